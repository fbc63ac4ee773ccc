// A tour of what guests do, for Zig's own library, without libc: tour | missing NAME | panic.

const std = @import("std");
const Io = std.Io;

var out: *Io.Writer = undefined;

fn standardInput(io: Io) !void {
    var buffer: [256]u8 = undefined;
    var file = Io.File.stdin().reader(io, &buffer);
    var lines: usize = 0;
    var sum: u64 = 0;
    while (try file.interface.takeDelimiter('\n')) |line| {
        lines += 1;
        sum ^= std.hash.Fnv1a_64.hash(line);
    }
    try out.print("stdin: {d} lines, {x:0>16}\n", .{ lines, sum });
}

fn numbers() !void {
    var values: [4000]u32 = undefined;
    var seed: u32 = 1;
    for (&values) |*value| {
        seed = seed *% 1664525 +% 1013904223;
        value.* = seed;
    }
    std.mem.sort(u32, &values, {}, std.sort.asc(u32));
    const sum = std.hash.Fnv1a_64.hash(std.mem.sliceAsBytes(&values));
    try out.print("sorted: {d} {d} {x:0>16}\n", .{ values[0], values[values.len - 1], sum });
    try out.print("floats: {d} {e} {d} {d} {x} {d}\n", .{ 0.1, 1e21, @as(f64, 1.0) / 3.0, @as(f32, 0.1), 2.5, @sqrt(@as(f64, 2)) });
    var digest: [32]u8 = undefined;
    std.crypto.hash.sha2.Sha256.hash(std.mem.sliceAsBytes(&values), &digest, .{});
    try out.print("sha256: {x}\n", .{&digest});
}

fn lessThan(_: void, a: []const u8, b: []const u8) bool {
    return std.mem.lessThan(u8, a, b);
}

fn list(io: Io, arena: std.mem.Allocator, path: []const u8) !void {
    var dir = try Io.Dir.cwd().openDir(io, path, .{ .iterate = true });
    defer dir.close(io);
    var names: std.ArrayList([]const u8) = .empty;
    var entries = dir.iterate();
    while (try entries.next(io)) |entry| try names.append(arena, try std.fmt.allocPrint(arena, "{s}({t})", .{ entry.name, entry.kind }));
    std.mem.sort([]const u8, names.items, {}, lessThan);
    try out.print("{s}:", .{path});
    for (names.items) |name| try out.print(" {s}", .{name});
    try out.print("\n", .{});
}

fn files(io: Io, arena: std.mem.Allocator) !void {
    const cwd = Io.Dir.cwd();
    try cwd.createDir(io, "made", .default_dir);
    var made = try cwd.openDir(io, "made", .{ .iterate = true });
    defer made.close(io);
    try made.writeFile(io, .{ .sub_path = "a.txt", .data = "one\ntwo\n" });
    var file = try made.openFile(io, "a.txt", .{ .mode = .read_write });
    try file.writePositionalAll(io, "three\n", try file.length(io));
    try file.writePositionalAll(io, "TWO", 4);
    var text: [64]u8 = undefined;
    try out.print("read: {s}", .{text[0..try file.readPositionalAll(io, &text, 8)]});
    try file.setLength(io, 10);
    file.close(io);
    try made.symLink(io, "a.txt", "link", .{});
    const to = text[0..try made.readLink(io, "link", &text)];
    try out.print("link: {s}, {d} bytes\n", .{ to, (try made.statFile(io, "link", .{})).size });
    try made.rename("a.txt", made, "b.txt", io);
    if (made.statFile(io, "link", .{})) |_| {} else |err| try out.print("stat: {t}\n", .{err});
    try list(io, arena, "made");
    try list(io, arena, ".");
    cwd.createDir(io, "made", .default_dir) catch |err| try out.print("mkdir again: {t}\n", .{err});
    cwd.deleteDir(io, "made") catch |err| try out.print("rmdir although full: {t}\n", .{err});
    try made.deleteFile(io, "link");
    if (cwd.openFile(io, "made/b.txt/x", .{})) |_| {} else |err| try out.print("open: {t}\n", .{err});
    if (cwd.openFile(io, "../outside", .{})) |_| {} else |err| try out.print("open outside: {t}\n", .{err});
    const read = try cwd.readFileAlloc(io, "made/b.txt", arena, .limited(100));
    try out.print("whole: {x}\n", .{read});
    try cwd.createDirPath(io, "deep/er/still");
    try cwd.deleteTree(io, "deep");
}

fn clocks(io: Io) !void {
    const begin = Io.Clock.awake.now(io);
    try io.sleep(.fromMilliseconds(3), .awake);
    const passed = begin.durationTo(Io.Clock.awake.now(io));
    var first: [16]u8 = undefined;
    var second: [16]u8 = undefined;
    io.random(&first);
    io.random(&second);
    const later = Io.Clock.real.now(io).toSeconds() > 1577836800;
    try out.print("slept: {}, after 2020: {}, random: {}\n", .{ passed.toMilliseconds() >= 3, later, !std.mem.eql(u8, &first, &second) });
}

pub fn main(init: std.process.Init) !void {
    const io = init.io;
    const arena = init.arena.allocator();
    const args = try init.minimal.args.toSlice(arena);
    if (std.mem.eql(u8, args[1], "missing")) {
        _ = Io.Dir.cwd().openFile(io, args[2], .{}) catch |err| {
            std.debug.print("{s}: {t}\n", .{ args[2], err });
            std.process.exit(3);
        };
    }
    if (std.mem.eql(u8, args[1], "panic")) {
        var numbers_: [3]u8 = .{ 1, 2, 3 };
        std.debug.print("about to look at {d}\n", .{args.len + 1});
        numbers_[args.len + 1] += 1;
    }
    var buffer: [100]u8 = undefined;
    var stdout = Io.File.stdout().writer(io, &buffer);
    out = &stdout.interface;
    try out.print("arguments: {d} {s}, GREETING={?s}, NOTHING={?s}\n", .{ args.len, args[args.len - 1], init.environ_map.get("GREETING"), init.environ_map.get("NOTHING") });
    try standardInput(io);
    try numbers();
    try files(io, arena);
    try clocks(io);
    try out.flush();
    std.debug.print("done\n", .{});
}

// A tour of what guests do, for AssemblyScript's shim of WASI: tour | missing NAME | panic.

import {
  errno, errnoToString, fd, fd_close, fd_filestat_get, fd_pwrite, fd_read, fd_readdir, fd_seek, fd_write, fdflags, filestat, iovec, lookupflags, oflags,
  path_create_directory, path_open, path_readlink, path_remove_directory, path_rename, path_symlink, path_unlink_file, random_get, rights, whence,
} from "@assemblyscript/wasi-shim/assembly/bindings/wasi_snapshot_preview1";

const ROOT: fd = 3;
const OUT = memory.data(16);
const VECTOR = memory.data(8);
const BUFFER = memory.data(1024);
const STAT = memory.data(64);

function hash(data: string): u64 {
  let h: u64 = 14695981039346656037;
  for (let i = 0; i < data.length; i++) h = (h ^ data.charCodeAt(i)) * 1099511628211;
  return h;
}

function check(error: errno, what: string): void {
  if (error) console.log(what + ": " + errnoToString(error));
}

function standardInput(): void {
  const buffer = new ArrayBuffer(64);
  let text = "";
  for (let size = process.stdin.read(buffer); size > 0; size = process.stdin.read(buffer)) text += String.UTF8.decode(buffer.slice(0, size));
  console.log(`stdin: ${text.split("\n").length} lines, ${hash(text)}`);
}

function numbers(): void {
  const values = new Array<u32>(4000);
  let seed: u32 = 1;
  for (let i = 0; i < values.length; i++) values[i] = seed = seed * 1664525 + 1013904223;
  values.sort((a, b) => a < b ? -1 : i32(a > b));
  console.log(`sorted: ${values[0]} ${values[values.length - 1]} ${hash(values.join(","))}`);
  const third: f64 = 1.0 / 3;
  console.log(`floats: ${0.1} ${1e21} ${third} ${<f32>0.1} ${-1e10} ${Math.sin(1)} ${Math.pow(2, 0.5)} ${Infinity} ${NaN}`);
  const counts = new Map<string, i32>();
  for (let i = 0; i < 1000; i++) {
    const key = (i % 7).toString();
    counts.set(key, counts.has(key) ? counts.get(key) + 1 : 1);
  }
  console.log(`counts: ${counts.keys().join(",")} ${counts.values().join(",")}`);
}

function ptr(text: ArrayBuffer): usize {
  return changetype<usize>(text);
}

function open(path: string, how: oflags, flags: fdflags = 0): fd {
  const name = String.UTF8.encode(path);
  const error = path_open(ROOT, lookupflags.SYMLINK_FOLLOW, ptr(name), name.byteLength, how, rights.FD_READ | rights.FD_WRITE | rights.FD_SEEK, 0, flags, OUT);
  check(error, "open " + path);
  return error ? <fd>-1 : load<u32>(OUT);
}

function vector(at: usize, size: usize): usize {
  store<u32>(VECTOR, at);
  store<u32>(VECTOR, size, 4);
  return VECTOR;
}

function write(file: fd, text: string): void {
  const data = String.UTF8.encode(text);
  check(fd_write(file, vector(ptr(data), data.byteLength), 1, OUT), "write");
}

function list(path: string): void {
  const name = String.UTF8.encode(path);
  path_open(ROOT, 0, ptr(name), name.byteLength, oflags.DIRECTORY, rights.FD_READDIR, 0, 0, OUT);
  const dir = load<u32>(OUT);
  check(fd_readdir(dir, BUFFER, 1024, 0, OUT), "readdir");
  const names = new Array<string>();
  for (let at = BUFFER, end = BUFFER + load<u32>(OUT); at < end; ) {
    const size = load<u32>(at, 16);
    names.push(String.UTF8.decodeUnsafe(at + 24, size) + "(" + load<u8>(at, 20).toString() + ")");
    at += 24 + size;
  }
  console.log(path + ": " + names.sort().join(" "));
  fd_close(dir);
}

function files(): void {
  const made = String.UTF8.encode("made"), a = String.UTF8.encode("made/a.txt"), b = String.UTF8.encode("made/b.txt");
  const link = String.UTF8.encode("made/link"), to = String.UTF8.encode("a.txt");
  check(path_create_directory(ROOT, ptr(made), made.byteLength), "mkdir");
  let file = open("made/a.txt", oflags.CREAT | oflags.TRUNC);
  write(file, "one\ntwo\n");
  fd_close(file);
  file = open("made/a.txt", 0, fdflags.APPEND);
  write(file, "three\n");
  fd_close(file);
  file = open("made/a.txt", 0);
  check(fd_seek(file, 4, whence.SET, OUT), "seek");
  write(file, "TWO");
  check(fd_seek(file, -6, whence.END, OUT), "seek");
  check(fd_read(file, vector(BUFFER, 100), 1, OUT), "read");
  console.log("read: " + String.UTF8.decodeUnsafe(BUFFER, load<u32>(OUT)).trim());
  check(fd_filestat_get(file, changetype<filestat>(STAT)), "stat");
  fd_close(file);
  check(path_symlink(ptr(to), to.byteLength, ROOT, ptr(link), link.byteLength), "symlink");
  check(path_readlink(ROOT, ptr(link), link.byteLength, BUFFER, 100, OUT), "readlink");
  console.log(`link: ${String.UTF8.decodeUnsafe(BUFFER, load<u32>(OUT))}, ${load<u64>(STAT, 32)} bytes`);
  check(path_rename(ROOT, ptr(a), a.byteLength, ROOT, ptr(b), b.byteLength), "rename");
  open("made/link", 0);
  list("made");
  list(".");
  check(path_create_directory(ROOT, ptr(made), made.byteLength), "mkdir again");
  check(path_remove_directory(ROOT, ptr(made), made.byteLength), "rmdir although full");
  check(path_unlink_file(ROOT, ptr(link), link.byteLength), "unlink");
  open("made/b.txt/x", 0);
  open("../outside", 0);
  check(fd_pwrite(1, vector(BUFFER, 1), 1, 0, OUT), "pwrite to a stream");
}

function clocks(): void {
  const begin = process.hrtime();
  while (process.hrtime() - begin < 1000000);
  random_get(BUFFER, 32);
  console.log(`later: ${process.hrtime() > begin}, after 2020: ${Date.now() > 1577836800000}, random: ${load<u64>(BUFFER) != load<u64>(BUFFER, 8)}`);
}

const args = process.argv;
if (args[1] == "missing") {
  process.exit(open(args[2], 0) == <fd>-1 ? 3 : 0);
} else if (args[1] == "panic") {
  const none = new Array<i32>();
  none[args.length - 1] = none[args.length];
}
console.log(`arguments: ${args.length} ${args[args.length - 1]}, GREETING=${process.env.get("GREETING")}, NOTHING=${process.env.has("NOTHING")}`);
standardInput();
numbers();
files();
clocks();
process.stderr.write("done\n");

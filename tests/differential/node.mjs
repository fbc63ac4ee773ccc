// Plays modules that come as lines of JSON, {wasm: base64, calls: [[name, [bits, as hexadecimal text or null]]]}, and answers each with a line: what
// every call does, and what the module holds in the end.  Numbers are told by their bits, NaNs as "nan": JavaScript keeps none of their payload.
import { createHash } from "node:crypto";
import { createInterface } from "node:readline";

const view = new DataView(new ArrayBuffer(8));

function argument(type, bits) {
  if (bits === null) return null;
  view.setBigUint64(0, BigInt(bits));
  return { i32: () => view.getInt32(4), i64: () => view.getBigInt64(0), f32: () => view.getFloat32(4), f64: () => view.getFloat64(0) }[type]();
}

function shown(type, value) {
  if (value === null) return "null";
  if (type.endsWith("ref")) return "reference";
  if (Number.isNaN(value)) return "nan";
  view.setBigUint64(0, 0n);
  ({ i32: () => view.setInt32(4, value), i64: () => view.setBigInt64(0, value), f32: () => view.setFloat32(4, value), f64: () => view.setFloat64(0, value) })[type]();
  return "0x" + view.getBigUint64(0).toString(16);
}

function ended(error, tags) {
  if (error instanceof WebAssembly.RuntimeError) return "trap";
  if (!(error instanceof WebAssembly.Exception)) return String(error);
  const [name, tag, types] = tags.find(([, tag]) => error.is(tag));
  if (types.includes("v128")) return name; // asked for a value then, V8 ends the process
  return [name, ...types.map((type, n) => (type.endsWith("ref") ? "any" : shown(type, error.getArg(tag, n))))].join(" "); // a null is told as none
}

for await (const line of createInterface({ input: process.stdin })) {
  const { wasm, calls, types, tags: carried } = JSON.parse(line);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(wasm, "base64")), {});
  const tags = Object.entries(carried).map(([name, types]) => [name, exports[name], types]);
  const answer = [];
  for (const [name, args] of calls) {
    const [params, results] = types[name];
    let said;
    try {
      const found = exports[name](...args.map((bits, n) => argument(params[n], bits)));
      const list = results.length > 1 ? [...found] : results.length ? [found] : [];
      said = list.map((value, n) => shown(results[n], value)).join(" ");
    } catch (error) {
      said = ended(error, tags);
    }
    answer.push(`${name} = ${said}`);
  }
  answer.push(`sum ${shown("i64", exports.sum.value)}`);
  answer.push(`memory ${createHash("sha256").update(Buffer.from(exports["memory 0"].buffer)).digest("hex")}`);
  console.log(JSON.stringify(answer));
}

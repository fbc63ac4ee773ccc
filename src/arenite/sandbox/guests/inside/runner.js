// What runs inside a QuickJS guest: it reads requests, runs their code as scripts in one global scope, answers; `wire` says what both look like.
//
// - QuickJS's own timers hold up promises, and a rejection that nobody handles ends it whenever it has nothing to do.  So timers are kept here, and something is
//   always left to do: whether anything else is, is counted (`drain`).
// - A run that awaits, or whose value is a promise, ends when that is settled; any other when no promise and no timer is left that could go on.
// - What the code does to the built-in objects must not change what is done here by accident: what is needed is taken from them before any code runs.

import * as std from "qjs:std";
import * as os from "qjs:os";

const PIECE = 1 << 16;
const DEEPEST = 50; // as in plain.py
const LARGEST = 1n << 8192n;
const LONGEST_TEXT = 1 << 16;
const CHARACTERS = 4096; // that are made at a time

const { AggregateError, BigInt, Error, Map, Promise, Set, TypeError, Uint8Array } = globalThis;
const { parse, stringify } = JSON;
const { apply, ownKeys, getPrototypeOf, defineProperty } = Reflect;
const { isArray } = Array;
const { isFinite } = Number;
const { fromCharCode } = String;
const { assign, prototype: ObjectPrototype } = Object;
const { toString, propertyIsEnumerable } = ObjectPrototype;
const { replace, slice, includes, indexOf, charCodeAt, padStart, trimEnd } = String.prototype;
const { exec, test } = RegExp.prototype;
const replaceBy = RegExp.prototype[Symbol.replace];
const { then } = Promise.prototype;
const { splice, findIndex, join } = Array.prototype;
const { ceil, max } = Math;
const { now } = performance;
const text = String;
const clock = () => apply(now, performance, []);

// What a regular expression looks up when it is used.
const own = (regexp) => {
  const found = { exec, flags: regexp.flags, global: regexp.global, unicode: false, [Symbol.replace]: replaceBy };
  for (const name of ownKeys(found)) defineProperty(regexp, name, { value: found[name] });
  return regexp;
};

// ------------------------------------------------------------------------------------------------------------ plain data

const NON_ASCII = own(/[\u0080-\uffff]/g);
const escaped = (c) => "\\u" + apply(padStart, apply(charCodeAt, c, [0]).toString(16), [4, "0"]);
const quoted = (string) => apply(replace, stringify(string), [NON_ASCII, escaped]);

function fromBytes(bytes) {
  const parts = [];
  for (let at = 0; at < bytes.length; at += CHARACTERS)
    parts[parts.length] = apply(fromCharCode, null, bytes.subarray(at, at + CHARACTERS));
  return apply(join, parts, [""]);
}

function toBytes(string) {
  const bytes = new Uint8Array(string.length);
  for (let at = 0; at < bytes.length; at++) bytes[at] = apply(charCodeAt, string, [at]);
  return bytes;
}

function shown(value) {
  let found;
  try {
    if (typeof value !== "object" || value === null) found = text(value);
    else if (value instanceof Error) found = `${value.name}: ${value.message}`;
    else {
      const kind = value.constructor?.name ?? apply(slice, apply(toString, value, []), [8, -1]);
      found = `${kind} ${stringify(value instanceof Map || value instanceof Set ? [...value] : value)}`;
    }
  } catch {
    found = apply(toString, value, []);
  }
  return apply(slice, found, [0, LONGEST_TEXT]);
}

function packed(value, depth, other = shown) {
  switch (typeof value) {
    case "undefined":
      return "null";
    case "boolean":
      return value ? "true" : "false";
    case "number":
      if (isFinite(value)) return value === 0 && 1 / value < 0 ? "-0.0" : text(value);
      return value > 0 ? '["f","inf"]' : value < 0 ? '["f","-inf"]' : '["f","nan"]';
    case "bigint":
      return value < LARGEST && value > -LARGEST ? text(value) : '["r","a bigint of more than 8192 bits"]';
    case "string":
      return quoted(value);
    case "object":
      if (value === null) return "null";
      if (value instanceof Uint8Array) return `["b",${quoted(btoa(fromBytes(value)))}]`;
      if (depth < DEEPEST) {
        const parts = [];
        if (isArray(value)) {
          for (let at = 0; at < value.length; at++) parts[at] = "," + packed(value[at], depth + 1, other);
          return `["l"${apply(join, parts, [""])}]`;
        }
        const prototype = getPrototypeOf(value);
        if (prototype === null || prototype === ObjectPrototype) {
          for (const key of ownKeys(value))
            if (typeof key === "string" && apply(propertyIsEnumerable, value, [key]))
              parts[parts.length] = `,${quoted(key)},${packed(value[key], depth + 1, other)}`;
          return `["d"${apply(join, parts, [""])}]`;
        }
      }
  }
  const brief = other === shown && typeof value === "object" && depth >= DEEPEST; // the whole may be deep beyond measure
  return `["r",${quoted(brief ? apply(toString, value, []) : other(value))}]`;
}

function unpacked(given) {
  if (!isArray(given)) return given;
  const tag = given[0];
  if (tag === "d") {
    const found = {};
    for (let at = 1; at < given.length; at += 2)
      defineProperty(found, given[at], { value: unpacked(given[at + 1]), writable: true, enumerable: true, configurable: true });
    return found;
  }
  if (tag === "b") return toBytes(atob(given[1]));
  if (tag === "i") return BigInt(given[1]);
  if (tag === "f") return given[1] === "nan" ? NaN : given[1] === "inf" ? Infinity : -Infinity;
  const found = [];
  for (let at = 1; at < given.length; at++) found[at - 1] = unpacked(given[at]);
  return found;
}

// --------------------------------------------------------------------------------------------------- promises and timers

let file; // the answer's: also what is always ready to be waited for
const timers = []; // what is not due longest stands last
let timerCount = 0;
let polls = 0;
const poll = () => void polls++;

// Until no promise can go on.  After each step of one QuickJS looks for what has become ready, and tells `poll`; between two steps of ours that come
// next to each other it does so once.
async function drain() {
  for (let rounds = 0; ; rounds = 2 * rounds + 16) {
    for (let n = 0; n < rounds; n++) await null;
    os.setReadHandler(file.fileno(), poll);
    await null;
    const before = polls;
    await null;
    const alone = polls - before === 1;
    os.setReadHandler(file.fileno(), null);
    if (alone) return;
  }
}

function addTimer(func, delay, rest, repeated) {
  const wait = max(delay > 0 ? delay : 0, repeated ? 1 : 0);
  const timer = { id: ++timerCount, due: clock() + wait, func, rest, every: repeated ? wait : null };
  return place(timer);
}

function place(timer) {
  const at = apply(findIndex, timers, [(other) => other.due <= timer.due]);
  apply(splice, timers, [at < 0 ? timers.length : at, 0, timer]);
  return timer.id;
}

function removeTimer(id) {
  const at = apply(findIndex, timers, [(timer) => timer.id === id]);
  if (at >= 0) apply(splice, timers, [at, 1]);
}

function fire() {
  const timer = timers[timers.length - 1];
  const wait = timer.due - clock();
  if (wait > 0) os.sleep(ceil(wait));
  timers.length--;
  if (timer.every !== null) place({ ...timer, due: clock() + timer.every });
  try {
    apply(timer.func, undefined, timer.rest);
  } catch (error) {
    std.err.puts(`Uncaught ${told(error)}`);
  }
}

// Until `ended` says so, or nothing is left that could go on.
async function goOn(ended) {
  if (!concurrent) return;
  await drain();
  while (timers.length && !ended()) {
    fire();
    await drain();
  }
}

globalThis.setTimeout = (func, delay, ...rest) => addTimer(func, delay, rest, false);
globalThis.setInterval = (func, delay, ...rest) => addTimer(func, delay, rest, true);
globalThis.clearTimeout = globalThis.clearInterval = removeTimer;
globalThis.std = { ...std };
const { setReadHandler, setWriteHandler, signal, Worker, ...plainOs } = os; // what those wait for nothing here would bring about
globalThis.os = {
  ...plainOs,
  setTimeout: globalThis.setTimeout,
  setInterval: globalThis.setInterval,
  clearTimeout: removeTimer,
  clearInterval: removeTimer,
  sleepAsync: (delay) => new Promise((done) => addTimer(done, delay, [], false)),
};

// ------------------------------------------------------------------------------------------------------- console, chance

const { log } = console;
const complain = (...values) => {
  for (let at = 0; at < values.length; at++) {
    const value = values[at];
    std.err.puts((at ? " " : "") + (typeof value === "string" ? value : value instanceof Error ? apply(trimEnd, told(value), []) : shown(value)));
  }
  std.err.puts("\n");
};
assign(console, { info: log, debug: log, error: complain, warn: complain });

let state = [1, 2, 3, 4];

// sfc32
function word() {
  const sum = (((state[0] + state[1]) | 0) + state[3]) | 0;
  state[3] = (state[3] + 1) | 0;
  state[0] = state[1] ^ (state[1] >>> 9);
  state[1] = (state[2] + (state[2] << 3)) | 0;
  state[2] = (((state[2] << 21) | (state[2] >>> 11)) + sum) | 0;
  return sum >>> 0;
}

// `seed`: 32 digits or more, in hexadecimal
function reseed(seed) {
  for (let at = 0; at < 4; at++) state[at] = +("0x" + apply(slice, seed, [8 * at, 8 * at + 8])) | 0;
  for (let n = 0; n < 15; n++) word();
}

Math.random = () => ((word() >>> 5) * 0x4000000 + (word() >>> 6)) / 0x20000000000000;

// ----------------------------------------------------------------------------------------------------------------- tools

// What a tool of the host's has raised.  `name`: of its class.
class ToolError extends Error {
  constructor(message, name) {
    super(message);
    this.name = name;
  }
}

let device; // to which calls are written, and from which their answers are read; until there is one everything stands still
let stubs = {};
let most; // bytes of a call, and of an answer

function isNamed(args) {
  if (args.length !== 1 || typeof args[0] !== "object" || args[0] === null) return false;
  const prototype = getPrototypeOf(args[0]);
  return prototype === null || prototype === ObjectPrototype;
}

function call(tool, args) {
  const named = isNamed(args);
  const given = named ? '["l"]' : packed(args, 0, refused);
  const names = named ? packed(args[0], 0, refused) : '["d"]';
  const request = `{"tool":${quoted(tool)},"args":${given},"kwargs":${names}}`;
  if (request.length > most) throw new RangeError(`${tool} is given ${request.length} bytes, which is too much`);
  let left = toBytes(request);
  while (left.length) {
    const written = os.write(device, left.buffer, left.byteOffset, left.length);
    if (written < 0) throw new ToolError(`${tool}: ${std.strerror(-written)}`, "OSError");
    left = left.subarray(written);
  }
  let answer = "";
  for (let more = piece(device); more; more = piece(device)) answer += more;
  if (!answer) throw new ToolError(`${tool} was not answered`, "OSError");
  const found = parse(answer);
  if ("value" in found) return unpacked(found.value);
  throw new ToolError(found.raises[2], found.raises[0]);
}

function refused(value) {
  throw new TypeError(`tools take plain data, not ${shown(value)}, and not too deep`);
}

function install(tools) {
  for (const name of ownKeys(stubs)) if (globalThis[name] === stubs[name]) delete globalThis[name];
  stubs = {};
  for (const [name, signature, doc] of tools) {
    const stub = (...args) => call(name, args);
    globalThis[name] = stubs[name] = assign(stub, { signature, doc });
  }
  if (tools.length) globalThis.ToolError = ToolError;
}

// -------------------------------------------------------------------------------------------------------------- requests

const buffer = new ArrayBuffer(PIECE);

function piece(from) {
  const size = os.read(from, buffer, 0, PIECE);
  return size > 0 ? fromBytes(new Uint8Array(buffer, 0, size)) : "";
}

function request() {
  let data = piece(0);
  const head = apply(indexOf, data, ["\n"]);
  if (head < 0) return null;
  const wanted = +apply(slice, data, [0, head]);
  data = apply(slice, data, [head + 1]);
  while (data.length < wanted) {
    const more = piece(0);
    if (!more) return null;
    data += more;
  }
  return parse(data);
}

const OWN_FRAMES = own(/^.*<cmdline>:.*\n/gm);
Error.stackTraceLimit = 10000;

function told(error) {
  let found;
  try {
    if (!(error instanceof Error)) found = `Uncaught ${shown(error)}`;
    else {
      found = `${error.name}: ${error.message}\n${apply(replace, text(error.stack ?? ""), [OWN_FRAMES, ""])}`;
      for (const inner of error instanceof AggregateError ? error.errors : []) found += `[errors]: ${told(inner)}`;
      if (error.cause !== undefined) found += `[cause]: ${told(error.cause)}`;
    }
  } catch (another) {
    found = "an error whose text cannot be had";
  }
  if (found.length > LONGEST_TEXT)
    found = `${apply(slice, found, [0, LONGEST_TEXT / 2])}\n[...]\n${apply(slice, found, [-LONGEST_TEXT / 2])}`;
  return found[found.length - 1] === "\n" ? found : found + "\n";
}

// Whether any code so far could have made a promise or a timer: a word of its text would say so.  To find none costs more than most runs do.
const CONCURRENT = own(/async|await|then|import|[pP]romise|Microtask|setTimeout|setInterval/);
let concurrent = false;

async function evaluated(code) {
  const waits = apply(includes, code, ["await"]);
  concurrent ||= apply(test, CONCURRENT, [code]);
  let value = std.evalScript(code, { backtrace_barrier: true, async: waits });
  if (waits) value = (await settled(value)).value;
  if (value instanceof Promise) return await settled(value); // `await` asks for no `then` of the code's
  if (!waits) await goOn(() => false);
  return value;
}

async function settled(promise) {
  concurrent = true;
  let done = null;
  const is = (how) => (what) => void (done = { how, what });
  apply(then, promise, [is("fulfilled"), is("rejected")]);
  await goOn(() => done !== null);
  if (done === null) throw new Error("the promise waits for something that nothing here can bring about");
  if (done.how === "rejected") throw done.what;
  return done.what;
}

async function answered(asked) {
  let value = "null";
  let error = "null";
  try {
    if (asked.seed !== null) reseed(asked.seed);
    if (asked.tools) install(asked.tools);
    const inputs = unpacked(asked.inputs);
    for (const name of ownKeys(inputs)) globalThis[name] = inputs[name];
    value = packed(await evaluated(asked.code), 0);
  } catch (raised) {
    error = quoted(told(raised));
  }
  if (value.length + error.length > most - 32) {
    value = quoted(`<a value that takes ${value.length} bytes; at most ${most} bytes are handed over>`);
    value = `["r",${value}]`;
  }
  return `{"value":${value},"error":${error}}`;
}

async function serve(path, tools, bytes) {
  most = bytes;
  device = os.open(tools, os.O_RDWR);
  file = std.open(path, "a"); // for good: the code may open all that it may have
  for (let asked = request(); asked !== null; asked = request()) {
    const answer = await answered(asked);
    std.out.flush();
    std.err.flush();
    file.puts(answer);
    file.flush();
  }
}

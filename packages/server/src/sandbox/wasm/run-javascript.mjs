// Runs one JavaScript program in QuickJS. Arguments: the bound of its memory in bytes.
import process from "node:process";
import variant from "@jitl/quickjs-ng-wasmfile-release-sync";
import { newQuickJSWASMModuleFromVariant } from "quickjs-emscripten-core";
import { end, receive, send, STDERR } from "./channel.mjs";

const STACK_BYTES = 524_288;
const JOBS_MAX = 1_000;
const TIMERS_MAX = 10_000;

const engine = await newQuickJSWASMModuleFromVariant(variant);
const runtime = engine.newRuntime();
runtime.setMemoryLimit(Number(process.argv[2]));
runtime.setMaxStackSize(STACK_BYTES);
const context = runtime.newContext();
const program = await receive();
const encoder = new TextEncoder();

const timers = new Map();
let lastTimer = 0;

function offer(name, act) {
  const handle = context.newFunction(name, act);
  context.setProp(context.global, name, handle);
  handle.dispose();
}
offer("__print", (kind, text) => send(context.getNumber(kind), encoder.encode(`${context.getString(text)}\n`)));
offer("__timer", (callback, delay) => {
  if (timers.size >= TIMERS_MAX) throw new Error(`wanted at most ${TIMERS_MAX} timers at once`);
  lastTimer += 1;
  timers.set(lastTimer, { callback: callback.dup(), due: performance.now() + Math.max(0, context.getNumber(delay) || 0) });
  return context.newNumber(lastTimer);
});
offer("__clear", (id) => {
  timers.delete(context.getNumber(id));
});
offer("__exit", (code) => end(context.getNumber(code) & 255));

const PRELUDE = `(() => {
  const print = globalThis.__print, timer = globalThis.__timer, clear = globalThis.__clear, exit = globalThis.__exit;
  for (const name of ["__print", "__timer", "__clear", "__exit"]) delete globalThis[name];
  const show = (value, depth = 0) => {
    if (typeof value === "string") return depth === 0 ? value : JSON.stringify(value);
    if (typeof value === "bigint") return value + "n";
    if (typeof value === "function") return "[Function: " + (value.name || "anonymous") + "]";
    if (value instanceof Error) return value.stack ? String(value) + "\\n" + value.stack : String(value);
    if (typeof value !== "object" || value === null) return String(value);
    if (depth > 3) return Array.isArray(value) ? "[Array]" : "[Object]";
    if (Array.isArray(value)) return "[ " + value.map((one) => show(one, depth + 1)).join(", ") + " ]";
    if (value instanceof Map) return "Map " + show([...value], depth);
    if (value instanceof Set) return "Set " + show([...value], depth);
    return "{ " + Object.entries(value).map(([key, one]) => key + ": " + show(one, depth + 1)).join(", ") + " }";
  };
  const say = (kind) => (...values) => print(kind, values.map((value) => show(value)).join(" "));
  globalThis.console = { log: say(1), info: say(1), debug: say(1), warn: say(2), error: say(2), trace: say(2) };
  globalThis.setTimeout = (act, delay = 0, ...values) => timer(() => act(...values), Number(delay));
  globalThis.clearTimeout = (id) => { if (typeof id === "number") clear(id); };
  const repeated = new Map();
  globalThis.setInterval = (act, delay = 0, ...values) => {
    const key = {};
    const again = () => { repeated.set(key.id, timer(again, Math.max(1, Number(delay)))); act(...values); };
    key.id = timer(again, Math.max(1, Number(delay)));
    repeated.set(key.id, key.id);
    return key.id;
  };
  globalThis.clearInterval = (id) => { if (repeated.has(id)) clear(repeated.get(id)); };
  globalThis.queueMicrotask = (act) => { Promise.resolve().then(act); };
  globalThis.process = { argv: [], env: {}, exit: (code = 0) => exit(Number(code)), exitCode: undefined };
})();`;

function fail(error) {
  const { name, message, stack } = error ?? {};
  const text = name === undefined ? String(error) : `Uncaught ${name}: ${message}\n${stack ?? ""}`;
  // A buffer that found no room is a want of memory like any other.
  send(STDERR, encoder.encode(`${text.trimEnd()}\n${/out of memory/i.test(text) ? "RangeError: could not allocate memory\n" : ""}`));
  end(1);
}

/** What came of a piece of code; an error that nobody caught ends the program. */
function settle(result) {
  if (!("error" in result) || result.error === undefined) return result.value;
  const error = context.dump(result.error);
  result.error.dispose();
  return fail(error);
}

function runJobs() {
  for (let jobs = JOBS_MAX; jobs === JOBS_MAX && runtime.hasPendingJob();) jobs = settle(runtime.executePendingJobs(JOBS_MAX));
}

settle(context.evalCode(PRELUDE, "prelude.js"))?.dispose();
const source = new TextDecoder().decode(program.files.get(program.entry));
const isModule = /^\s*(import\s|export\s)/m.test(source);
const value = settle(context.evalCode(source, program.entry, isModule ? { type: "module" } : { type: "global" }));
runJobs();
if (isModule && value !== undefined) {
  const state = context.getPromiseState(value);
  if (state.type === "rejected") fail(context.dump(state.error));
}
while (timers.size > 0) {
  const [id, { callback, due }] = [...timers].toSorted(([, a], [, b]) => a.due - b.due)[0];
  const left = due - performance.now();
  if (left > 0) await new Promise((resolve) => setTimeout(resolve, left));
  timers.delete(id);
  settle(context.callFunction(callback, context.undefined))?.dispose();
  callback.dispose();
  runJobs();
}
end(0);

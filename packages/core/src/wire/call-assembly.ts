import { AppError } from "../error.ts";
import type { ToolCall } from "../model.ts";
import { isObject, parseArguments, type JsonObject } from "./shape.ts";

/** The most tool calls one answer may hold, and the most characters their names and arguments may have together. */
const CALLS_MAX = 256;
const CHARS_MAX = 4 * 1024 * 1024;

interface PartialCall {
  id: string;
  name: string;
  text: string;
}

/** Puts tool calls together from the deltas of a streamed answer. */
export class CallAssembly {
  readonly #calls: PartialCall[] = [];
  readonly #byIndex = new Map<number, PartialCall>();
  #chars = 0;

  get isEmpty(): boolean {
    return this.#calls.length === 0;
  }

  /** Takes one delta: `{ index, id, function: { name, arguments } }`, every field of which may be missing. */
  add(delta: unknown): void {
    if (!isObject(delta)) throw new AppError("upstream", "wanted tool calls as objects, got something else in a model's answer");
    const target = isObject(delta.function) ? delta.function : {};
    const id = text(delta.id);
    const call = this.#find(delta.index, id, text(target.name));
    call.id ||= id;
    call.name ||= text(target.name);
    const more = isObject(target.arguments) ? JSON.stringify(target.arguments) : text(target.arguments);
    call.text += more;
    this.#chars += more.length;
    if (this.#chars > CHARS_MAX)
      throw new AppError("upstream", `wanted tool calls of at most ${CHARS_MAX} characters, got more in a model's answer`);
  }

  /** The calls in the order in which they began. */
  whole(): readonly ToolCall[] {
    return this.#calls.map((call, index) => {
      if (call.name === "")
        throw new AppError("upstream", `wanted tool calls with names, got none for call ${index + 1} in a model's answer`);
      return { id: call.id === "" ? `call_${index}` : call.id, name: call.name, input: parseArguments(call.text) };
    });
  }

  /**
   * OpenAI keys deltas by `index`. Other providers leave it out, or send every call as index 0; then a new id, or without ids a name,
   * begins a new call.
   */
  #find(index: unknown, id: string, name: string): PartialCall {
    const key = typeof index === "number" ? index : undefined;
    const current = key === undefined ? this.#calls.at(-1) : this.#byIndex.get(key);
    const isOther =
      current !== undefined && ((id !== "" && current.id !== "" && id !== current.id) || (key === undefined && id === "" && name !== ""));
    if (current !== undefined && !isOther) return current;
    if (this.#calls.length === CALLS_MAX)
      throw new AppError("upstream", `wanted at most ${CALLS_MAX} tool calls, got more in a model's answer`);
    const call: PartialCall = { id: "", name: "", text: "" };
    this.#calls.push(call);
    if (key !== undefined) this.#byIndex.set(key, call);
    return call;
  }
}

function text(value: JsonObject[string]): string {
  return typeof value === "string" ? value : "";
}

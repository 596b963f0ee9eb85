import { AppError } from "../error.ts";
import type { ModelPart, ToolCall } from "../model.ts";
import { isObject, parseArguments, type JsonObject } from "./shape.ts";

/** The most tool calls one answer may hold, and the most characters their names and arguments may have together. */
const CALLS_MAX = 256;
const CHARS_MAX = 4 * 1024 * 1024;

type Delta = Extract<ModelPart, { type: "call.delta" }>;

interface PartialCall {
  readonly index: number;
  /** What the provider called it, if it has. */
  id: string;
  name: string;
  text: string;
  signature: string;
  /** What it was called in the first delta that was handed on; it stays so. */
  shownId: string;
}

/** Puts tool calls together from the deltas of a streamed answer. */
export class CallAssembly {
  readonly #calls: PartialCall[] = [];
  readonly #byIndex = new Map<number, PartialCall>();
  #chars = 0;

  get isEmpty(): boolean {
    return this.#calls.length === 0;
  }

  /**
   * Takes one delta: `{ index, id, function: { name, arguments } }`, every field of which may be missing. Returns what it adds, once the
   * call has a name.
   */
  add(delta: unknown): Delta | undefined {
    if (!isObject(delta)) throw new AppError("upstream", "wanted tool calls as objects, got something else in a model's answer");
    const target = isObject(delta.function) ? delta.function : {};
    const id = text(delta.id);
    const call = this.#find(delta.index, id, text(target.name));
    call.id ||= id;
    call.name ||= text(target.name);
    call.signature ||= signatureOf(delta);
    const more = isObject(target.arguments) ? JSON.stringify(target.arguments) : text(target.arguments);
    call.text += more;
    this.#chars += more.length;
    if (this.#chars > CHARS_MAX)
      throw new AppError("upstream", `wanted tool calls of at most ${CHARS_MAX} characters, got more in a model's answer`);
    return deltaOf(call, more);
  }

  /** The calls in the order in which they began. */
  whole(): readonly ToolCall[] {
    return this.#calls.map((call) => wholeOf(call));
  }

  /** The calls as the last parts of a stream of deltas. */
  ending(): readonly ModelPart[] {
    return this.#calls.flatMap((call): readonly ModelPart[] => {
      const part: ModelPart = { type: "call", call: wholeOf(call) };
      // Whoever joins the deltas must get the input, and nothing at all is no JSON.
      return call.text.trim() === "" ? [{ ...deltaBase(call), text: "{}" }, part] : [part];
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
    const call: PartialCall = { index: this.#calls.length, id: "", name: "", text: "", signature: "", shownId: "" };
    this.#calls.push(call);
    if (key !== undefined) this.#byIndex.set(key, call);
    return call;
  }
}

function deltaOf(call: PartialCall, more: string): Delta | undefined {
  if (call.name === "") return undefined;
  const isFirst = call.shownId === "";
  if (!isFirst && more === "") return undefined;
  return { ...deltaBase(call), text: isFirst ? call.text : more };
}

function deltaBase(call: PartialCall): Omit<Delta, "text"> {
  call.shownId ||= call.id === "" ? `call_${call.index}` : call.id;
  return { type: "call.delta", index: call.index, id: call.shownId, name: call.name };
}

function wholeOf(call: PartialCall): ToolCall {
  if (call.name === "")
    throw new AppError("upstream", `wanted tool calls with names, got none for call ${call.index + 1} in a model's answer`);
  const { id, name } = deltaBase(call);
  return { id, name, input: parseArguments(call.text), ...(call.signature !== "" && { signature: call.signature }) };
}

/** Google's own OpenAI-compatible API keeps it here. */
function signatureOf(delta: JsonObject): string {
  const google = isObject(delta.extra_content) ? delta.extra_content.google : undefined;
  return isObject(google) ? text(google.thought_signature) : "";
}

function text(value: JsonObject[string]): string {
  return typeof value === "string" ? value : "";
}

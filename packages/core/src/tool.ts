import type { Json } from "./json.ts";
import type { Principal } from "./principal.ts";
import type { Schema } from "./schema.ts";

/** Something a workflow or a model can do to the world. `parameters` is the input as JSON Schema, for models and people. */
export interface Tool<I extends Json = Json, O extends Json = Json> {
  readonly name: string;
  readonly description: string;
  readonly effect: "read" | "write" | "execute";
  readonly input: Schema<I>;
  readonly parameters: Json;
  run(input: I, call: ToolCallContext): Promise<O>;
}

/** What a tool knows of its call. The key is the same when a call is tried again, so the outside world can deduplicate. */
interface ToolCallContext {
  readonly idempotencyKey: string;
  readonly principal: Principal;
  readonly signal: AbortSignal;
}

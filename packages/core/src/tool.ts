import type { Json } from "./json.ts";
import type { Principal } from "./principal.ts";
import type { Schema } from "./schema.ts";

/** Something a workflow or a model can do to the world. `parameters` is the input as JSON Schema, for models and people. */
export interface Tool<I extends Json = Json, O extends Json = Json> {
  readonly name: string;
  readonly description: string;
  readonly effect: "read" | "write" | "execute";
  /** Left out: what `parameters` say. */
  readonly input?: Schema<I>;
  readonly parameters: Json;
  /** What it gives, as JSON Schema; left out when nobody said. Anything else that it gives is an error. */
  readonly output?: Json;
  readonly examples?: readonly ToolExample[];
  /** What a call costs about, for planners and people. */
  readonly cost?: { readonly usd?: number; readonly durationMs?: number };
  /** Whether calling it twice with the same input is as good as once. Tools that only read are, unless they say otherwise. With `false` a call that failed is not tried again. */
  readonly isIdempotent?: boolean;
  /** What it gives comes from outside (the web, a mailbox, somebody's file): data for a model, never instructions; it taints the run. */
  readonly isUntrusted?: boolean;
  /** How long one call may take; 5 minutes unless given. */
  readonly timeoutMs?: number;
  /** Who brought it: "built-in", "plugin:NAME", "mcp:NAME", "openapi:NAME", "workflow:NAME". The host says so when it takes the tool. */
  readonly source?: string;
  /** A call of it is a child run of this workflow, which gets the input, or what stands in it at `inputAt`; `run` is not called then. */
  readonly workflow?: { readonly name: string; readonly inputAt?: string };
  run(input: I, call: ToolCallContext): Promise<O>;
}

/** What a tool knows of its call. The key is the same when a call is tried again, so the outside world can deduplicate. */
interface ToolCallContext {
  readonly idempotencyKey: string;
  readonly principal: Principal;
  readonly signal: AbortSignal;
  /** Sources of untrusted content that the run has read so far; none where nobody said. */
  readonly tainted?: readonly string[];
  /** Says that the call lives, and how far it is; set where somebody listens. */
  readonly progress?: (detail: Json) => void;
}

/** An input that makes sense, and what came of it. */
interface ToolExample {
  readonly input: Json;
  readonly output?: Json;
}

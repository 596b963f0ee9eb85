import type { ErrorCode } from "@tutti/core";
import type { ModelPart } from "@tutti/core/model";
import type { LlamaAsk } from "./llama-request.ts";

/** How a model is loaded. */
export interface LlamaSettings {
  readonly file: string;
  /** For each request; less where the model has less, or memory is short. */
  readonly contextTokens: number;
  /** Answers written at a time. */
  readonly parallel: number;
  readonly threads: number;
  /** `auto` takes the best there is; `false` computes on processors only. */
  readonly gpu: "auto" | "metal" | "cuda" | "vulkan" | false;
}

/** What the process of a model is asked. `load` comes first, once. */
export type LlamaRequest =
  | { readonly type: "load"; readonly settings: LlamaSettings }
  | { readonly type: "generate"; readonly id: number; readonly ask: LlamaAsk }
  | { readonly type: "embed"; readonly id: number; readonly texts: readonly string[] }
  | { readonly type: "abort"; readonly id: number };

/** What it tells. Each `generate` and `embed` ends with one `ended`, also when it was aborted. */
export type LlamaMessage =
  | { readonly type: "loaded" }
  | { readonly type: "unloadable"; readonly code: ErrorCode; readonly message: string }
  | { readonly type: "log"; readonly message: string }
  | { readonly type: "part"; readonly id: number; readonly part: ModelPart }
  | { readonly type: "embedded"; readonly id: number; readonly vectors: readonly Float32Array[]; readonly tokens: number }
  | { readonly type: "ended"; readonly id: number; readonly error?: { readonly code: ErrorCode; readonly message: string } };

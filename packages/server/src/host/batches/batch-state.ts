import type { Json } from "@tutti/core";
import { usageOfMedia } from "@tutti/core/wire";
import { z } from "zod";
import { BATCH_ENDPOINTS, type BatchMistake } from "./batch-lines.ts";

/** The workflow's name. */
export const BATCH = "tutti.batch";

/** What a batch's run is started with. */
export const batchInput = z.object({
  /** Of the file. Who may see the batch, too. */
  tenant: z.string(),
  inputFileId: z.string(),
  endpoint: z.enum(BATCH_ENDPOINTS),
  window: z.string(),
  windowMs: z.int().min(1),
  /** In ms since 1970. */
  createdAtMs: z.int(),
  metadata: z.record(z.string(), z.string()).nullable(),
  outputExpiresAfterS: z.int().nullable(),
});

/** What a batch's run is started with. */
export type BatchInput = z.infer<typeof batchInput>;

/** Where a batch stands, in OpenAI's words. */
type BatchStatus = "validating" | "failed" | "in_progress" | "finalizing" | "completed" | "expired" | "cancelling" | "cancelled";

/** A batch as OpenAI's API shows it, without its id. Times are in seconds since 1970. */
export interface BatchView {
  readonly object: "batch";
  readonly endpoint: string;
  readonly errors: { readonly object: "list"; readonly data: readonly BatchMistake[] } | null;
  readonly input_file_id: string;
  readonly completion_window: string;
  readonly status: BatchStatus;
  readonly output_file_id: string | null;
  readonly error_file_id: string | null;
  readonly created_at: number;
  readonly in_progress_at: number | null;
  readonly expires_at: number;
  readonly finalizing_at: number | null;
  readonly completed_at: number | null;
  readonly failed_at: number | null;
  readonly expired_at: number | null;
  readonly cancelling_at: number | null;
  readonly cancelled_at: number | null;
  readonly request_counts: { readonly total: number; readonly completed: number; readonly failed: number };
  readonly usage: BatchUsage;
  readonly metadata: Readonly<Record<string, string>> | null;
}

/** What all answers of a batch used. */
interface BatchUsage {
  readonly input_tokens: number;
  readonly input_tokens_details: { readonly cached_tokens: number };
  readonly output_tokens: number;
  readonly output_tokens_details: { readonly reasoning_tokens: number };
  readonly total_tokens: number;
}

/** Seconds since 1970. */
export function seconds(ms: number): number {
  return Math.floor(ms / 1000);
}

/** A batch that nobody has looked at yet. */
export function newBatch(input: BatchInput): BatchView {
  return {
    object: "batch",
    endpoint: input.endpoint,
    errors: null,
    input_file_id: input.inputFileId,
    completion_window: input.window,
    status: "validating",
    output_file_id: null,
    error_file_id: null,
    created_at: seconds(input.createdAtMs),
    in_progress_at: null,
    expires_at: seconds(input.createdAtMs + input.windowMs),
    finalizing_at: null,
    completed_at: null,
    failed_at: null,
    expired_at: null,
    cancelling_at: null,
    cancelled_at: null,
    request_counts: { total: 0, completed: 0, failed: 0 },
    usage: usageOf({ input: 0, output: 0 }),
    metadata: input.metadata,
  };
}

/** Tokens of answers so far. */
export interface Tokens {
  readonly input: number;
  readonly output: number;
}

/** Tokens as OpenAI's batches show them. */
export function usageOf({ input, output }: Tokens): BatchUsage {
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: input + output,
  };
}

/** What one answer says it used. */
export function tokensIn(body: Json): Tokens {
  const { inputTokens, outputTokens } = usageOfMedia(body);
  return { input: inputTokens, output: outputTokens };
}

import type { AppError } from "@tutti/core";
import { EMPTY_ANSWER, type CompletionText } from "./completion-text.ts";

/** One side's answer: how far it is, what it took, and which run it stands in. */
export type CompletionState = CompletionText & {
  readonly model: string;
  readonly isAgent: boolean;
  readonly runId: string | null;
  readonly firstMs: number | undefined;
  readonly totalMs: number | undefined;
} & ({ readonly phase: "none" | "open" | "done" | "stopped" } | { readonly phase: "failed"; readonly error: AppError });

/** A side that was asked nothing. */
export const NOTHING_ASKED: CompletionState = {
  ...EMPTY_ANSWER,
  phase: "none",
  model: "",
  isAgent: false,
  runId: null,
  firstMs: undefined,
  totalMs: undefined,
};

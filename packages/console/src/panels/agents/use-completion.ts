import { AppError, type Json } from "@tutti/core";
import { useEffect, useRef, useState } from "react";
import { Pace } from "../../paced.ts";
import { client } from "../../server.ts";
import { EMPTY_ANSWER, withChunk, type CompletionText } from "./completion-text.ts";

/** One side's answer: how far it is, what it took, and which run it stands in. */
export type CompletionState = CompletionText & {
  readonly model: string;
  readonly runId: string | null;
  readonly firstMs: number | undefined;
  readonly totalMs: number | undefined;
} & ({ readonly phase: "none" | "open" | "done" | "stopped" } | { readonly phase: "failed"; readonly error: AppError });

/** One side: ask, stop, and where it stands. */
export interface Completion {
  readonly state: CompletionState;
  readonly ask: (body: Readonly<Record<string, unknown>> & { readonly model: string }) => void;
  readonly stop: () => void;
  readonly show: (state: CompletionState) => void;
}

const NONE: CompletionState = { ...EMPTY_ANSWER, phase: "none", model: "", runId: null, firstMs: undefined, totalMs: undefined };

/** Streams one answer of `POST /v1/chat/completions`; leaving or asking anew ends the one before. */
export function useCompletion(): Completion {
  const [state, setState] = useState<CompletionState>(NONE);
  const under = useRef<AbortController>(undefined);
  useEffect(() => () => under.current?.abort(), []);
  return {
    state,
    show: setState,
    stop: () => under.current?.abort(),
    ask(body) {
      under.current?.abort();
      const controller = new AbortController();
      under.current = controller;
      const update = (change: (before: CompletionState) => CompletionState): void =>
        setState((before) => (under.current === controller ? change(before) : before));
      setState({ ...NONE, phase: "open", model: body.model });
      void stream(body as unknown as Readonly<Record<string, Json>>, { update, signal: controller.signal });
    },
  };
}

interface Streaming {
  readonly update: (change: (before: CompletionState) => CompletionState) => void;
  readonly signal: AbortSignal;
}

async function stream(body: Readonly<Record<string, Json>>, { update, signal }: Streaming): Promise<void> {
  const startMs = performance.now();
  const passed = (): number => performance.now() - startMs;
  let said: CompletionText & Pick<CompletionState, "firstMs"> = { ...EMPTY_ANSWER, firstMs: undefined };
  // Chunks come faster than a text of many is drawn.
  const drawing = new Pace(() => update((before) => ({ ...before, ...said })));
  try {
    const { runId, chunks } = await client.openCompletion({ ...body, stream_options: { include_usage: true } }, signal);
    update((before) => ({ ...before, runId }));
    for await (const chunk of chunks) {
      const next = withChunk(said, chunk);
      said = { ...next, firstMs: said.firstMs ?? (next.text === "" ? undefined : passed()) };
      drawing.ask();
    }
    drawing.finish();
    update((before) => ({ ...before, phase: "done", totalMs: passed() }));
  } catch (thrown) {
    const error = AppError.from(thrown);
    drawing.finish();
    update((before) =>
      signal.aborted ? { ...before, phase: "stopped", totalMs: passed() } : { ...before, phase: "failed", error, totalMs: passed() },
    );
  }
}

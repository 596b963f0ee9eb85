import { AppError, type Json } from "@tutti/core";
import { useEffect, useRef, useState } from "react";
import { Pace } from "../../paced.ts";
import { client } from "../../server.ts";
import { NOTHING_ASKED, type CompletionState } from "./completion-state.ts";
import { EMPTY_ANSWER, withChunk, type CompletionText } from "./completion-text.ts";
import { cancelAnswer } from "./use-chat.ts";

/** How an answer is drawn from what a model could say. */
export interface Sampling {
  readonly temperature?: number;
  readonly seed?: number;
}

/** What one side is asked. */
interface CompletionQuestion extends Sampling {
  readonly model: string;
  readonly isAgent: boolean;
  readonly messages: readonly { readonly role: "user"; readonly content: string }[];
}

/** One side: ask, stop, and where it stands. */
export interface Completion {
  readonly state: CompletionState;
  readonly ask: (question: CompletionQuestion) => void;
  readonly stop: () => void;
  readonly show: (state: CompletionState) => void;
}

/** Streams one answer of a model or an agent. Leaving ends a model's answer; an agent's goes on as its run. Asking anew ends the one before. */
export function useCompletion(): Completion {
  const [state, setState] = useState<CompletionState>(NOTHING_ASKED);
  const under = useRef<AbortController>(undefined);
  const wantsStop = useRef(false);
  useEffect(() => () => under.current?.abort(), []);
  return {
    state,
    show: setState,
    stop() {
      if (!state.isAgent) return under.current?.abort();
      wantsStop.current = true;
      if (state.phase === "open" && state.runId !== null) cancelAnswer(state.runId);
    },
    ask({ isAgent, ...body }) {
      under.current?.abort();
      const controller = new AbortController();
      under.current = controller;
      wantsStop.current = false;
      const update = (change: (before: CompletionState) => CompletionState): void =>
        setState((before) => (under.current === controller ? change(before) : before));
      const onRun = (runId: string | null): void => {
        update((before) => ({ ...before, runId }));
        if (isAgent && runId !== null && wantsStop.current) cancelAnswer(runId);
      };
      const asked = { body, onRun, signal: controller.signal };
      setState({ ...NOTHING_ASKED, phase: "open", model: body.model, isAgent });
      void follow(isAgent ? agentTexts(asked) : modelTexts(asked), { update, signal: controller.signal });
    },
  };
}

interface Asked {
  readonly body: Omit<CompletionQuestion, "isAgent">;
  readonly onRun: (runId: string | null) => void;
  readonly signal: AbortSignal;
}

async function* modelTexts({ body, onRun, signal }: Asked): AsyncGenerator<CompletionText> {
  const given = { ...body, stream_options: { include_usage: true } } as unknown as Readonly<Record<string, Json>>;
  const { runId, chunks } = await client.openCompletion(given, signal);
  onRun(runId);
  let said = EMPTY_ANSWER;
  for await (const chunk of chunks) yield (said = withChunk(said, chunk));
}

/** An agent is asked as in its chat: its run goes on without this page. Temperature and seed are its own. */
async function* agentTexts({ body: { model, messages }, onRun, signal }: Asked): AsyncGenerator<CompletionText> {
  let said = EMPTY_ANSWER;
  for await (const part of client.chat({ agent: model, messages, leaving: "continue" }, signal)) {
    if (part.type === "started") onRun(part.runId);
    else if (part.type === "text") yield (said = { ...said, text: said.text + part.text });
    else if (part.type === "done") yield (said = { ...said, text: part.answer.reply.content, ...part.answer.usage });
  }
}

interface Following {
  readonly update: (change: (before: CompletionState) => CompletionState) => void;
  readonly signal: AbortSignal;
}

async function follow(texts: AsyncIterable<CompletionText>, { update, signal }: Following): Promise<void> {
  const startMs = performance.now();
  const passed = (): number => performance.now() - startMs;
  let said: CompletionText & Pick<CompletionState, "firstMs"> = { ...EMPTY_ANSWER, firstMs: undefined };
  // Texts come faster than one of many is drawn.
  const drawing = new Pace(() => update((before) => ({ ...before, ...said })));
  try {
    for await (const next of texts) {
      said = { ...next, firstMs: said.firstMs ?? (next.text === "" ? undefined : passed()) };
      drawing.ask();
    }
    drawing.finish();
    update((before) => ({ ...before, phase: "done", totalMs: passed() }));
  } catch (thrown) {
    const error = AppError.from(thrown);
    drawing.finish();
    update((before) =>
      signal.aborted || error.code === "cancelled"
        ? { ...before, phase: "stopped", totalMs: passed() }
        : { ...before, phase: "failed", error, totalMs: passed() },
    );
  }
}

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { agentsQuery } from "../../queries.ts";
import { queryClient } from "../../query-client.ts";
import type { Comparison } from "./comparisons.ts";
import { NOTHING_ASKED, type CompletionState } from "./completion-state.ts";
import { cancelAnswer } from "./use-chat.ts";
import { keepComparison, useKeeping, useKeptComparison } from "./use-comparison.ts";
import { useCompletion, type Sampling } from "./use-completion.ts";

/** What stands on either side. */
export interface Sides {
  readonly a: CompletionState;
  readonly b: CompletionState;
}

/** The comparison that the address names. */
interface AskedComparison {
  readonly sides: Sides;
  readonly prompt: string;
  readonly isMissing: boolean;
  readonly error: unknown;
  /** An answer is coming; `isAsking`: to this page. */
  readonly isOpen: boolean;
  readonly isAsking: boolean;
  readonly canStop: boolean;
  readonly ask: (names: { readonly a: string; readonly b: string }, prompt: string, sampling: Sampling) => Promise<void>;
  readonly stop: () => void;
  readonly swap: () => void;
}

/** Asks two, and keeps what they say: a reload, a link and the way back show it again. What this page streams itself is not read as well. */
export function useAsked(id: string | undefined, onAsked: (id: string) => void): AskedComparison {
  // Read ahead, for whoever asks.
  useQuery(agentsQuery);
  const [ours, setOurs] = useState<Pick<Comparison, "id" | "askedAt" | "prompt">>();
  const a = useCompletion();
  const b = useCompletion();
  const own: Comparison | undefined = ours && { ...ours, a: a.state, b: b.state };
  useKeeping(own);
  const isOurs = own !== undefined && own.id === id;
  const kept = useKeptComparison(isOurs ? undefined : id);
  const shown = isOurs ? own : kept.comparison;
  const open = [shown?.a, shown?.b].filter((side) => side?.phase === "open");
  return {
    isOpen: open.length > 0,
    isAsking: isOurs && open.length > 0,
    // What a model says to another browser is ended there.
    canStop: open.some((side) => isOurs || side?.isAgent),
    sides: { a: shown?.a ?? NOTHING_ASKED, b: shown?.b ?? NOTHING_ASKED },
    prompt: shown?.prompt ?? "",
    isMissing: kept.isMissing,
    error: kept.error,
    async ask(names, prompt, sampling) {
      // An agent is asked in another way than a model, so whoever asks at once waits until it is known which is which.
      const agents = await queryClient.ensureQueryData(agentsQuery).catch(() => []);
      const next = crypto.getRandomValues(new Uint32Array(2)).reduce((text, part) => text + part.toString(36), "");
      const question = (model: string) => ({
        ...sampling,
        model,
        isAgent: agents.some(({ name }) => name === model),
        messages: [{ role: "user" as const, content: prompt }],
      });
      setOurs({ id: next, askedAt: new Date().toISOString(), prompt });
      a.ask(question(names.a));
      b.ask(question(names.b));
      onAsked(next);
    },
    stop() {
      if (isOurs) for (const side of [a, b]) side.stop();
      else for (const side of open) if (side?.isAgent === true && side.runId !== null) cancelAnswer(side.runId);
    },
    swap() {
      if (isOurs) {
        a.show(b.state);
        b.show(a.state);
      } else if (kept.comparison !== undefined) keepComparison({ ...kept.comparison, a: kept.comparison.b, b: kept.comparison.a });
    },
  };
}

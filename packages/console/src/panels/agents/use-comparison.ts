import { useQuery } from "@tanstack/react-query";
import { AppError, type RunStatus } from "@tutti/core";
import { useEffect, useEffectEvent, useMemo } from "react";
import { complain } from "../../parts/toasts.tsx";
import { queryClient } from "../../query-client.ts";
import { client } from "../../server.ts";
import { readAnswer } from "./answer-reading.ts";
import { mayStillCome, readComparisons, sideFromLog, withComparison, type Comparison } from "./comparisons.ts";
import { NOTHING_ASKED, type CompletionState } from "./completion-state.ts";
import { answerEventsQuery } from "./queries.ts";

/** The view in which comparisons are kept: whoever signs in sees them. */
const VIEW = "compare answers";
/** How often an answer that comes elsewhere is looked for. */
const LOOK_EVERY_MS = 2000;

const comparisonsQuery = {
  queryKey: ["views", VIEW],
  queryFn: async ({ signal }: { readonly signal: AbortSignal }): Promise<readonly Comparison[]> => {
    try {
      return readComparisons((await client.view(VIEW, signal)).value);
    } catch (thrown) {
      if (AppError.from(thrown).code === "not_found") return [];
      throw thrown;
    }
  },
};

/** Reading what others have kept meanwhile may take that long. */
const KEEP_MAX_MS = 30_000;
/** One change after the other, each to what the one before has left. */
let keeping: Promise<void> = Promise.resolve();

/** Keeps a comparison, or what it has become. */
export function keepComparison(one: Comparison): void {
  queryClient.setQueryData<readonly Comparison[]>(comparisonsQuery.queryKey, (before = []) => [
    one,
    ...before.filter(({ id }) => id !== one.id),
  ]);
  keeping = keeping
    .then(async () => {
      // Other browsers compare too.
      const before = await comparisonsQuery.queryFn({ signal: AbortSignal.timeout(KEEP_MAX_MS) });
      await client.saveView(VIEW, withComparison(before, one));
    })
    .catch(complain);
}

/** Keeps what this page asks, as it becomes more. */
export function useKeeping(one: Comparison | undefined): void {
  const stands = one && [one.id, ...[one.a, one.b].flatMap(({ phase, runId, model }) => [phase, runId, model])].join(" ");
  const keep = useEffectEvent(() => {
    if (one !== undefined) keepComparison(one);
  });
  useEffect(() => {
    if (stands !== undefined) keep();
  }, [stands]);
}

interface KeptComparison {
  readonly comparison: Comparison | undefined;
  /** The address names one that is not kept. */
  readonly isMissing: boolean;
  readonly error: unknown;
}

/** A comparison that was asked before, or in another browser; what still comes of it is shown as it is there. */
export function useKeptComparison(id: string | undefined): KeptComparison {
  const { data, error } = useQuery({
    ...comparisonsQuery,
    enabled: id !== undefined,
    refetchInterval: ({ state }) => (state.data?.some((one) => one.id === id && isOpen(one)) === true ? LOOK_EVERY_MS : false),
  });
  const found = id === undefined ? undefined : data?.find((one) => one.id === id);
  const a = useSideInLog(found?.a);
  const b = useSideInLog(found?.b);
  const comparison = useMemo(() => (found === undefined ? undefined : { ...found, a: ended(found, a), b: ended(found, b) }), [found, a, b]);
  return { comparison, isMissing: id !== undefined && data !== undefined && found === undefined, error: data === undefined ? error : null };
}

function isOpen(one: Comparison): boolean {
  return mayStillCome(one, Date.now()) && [one.a, one.b].some(({ phase }) => phase === "open");
}

/** Nobody tells the end of an answer whose page was closed before its run was known. */
function ended(one: Comparison, side: CompletionState): CompletionState {
  return side.phase === "open" && !side.isAgent && !mayStillCome(one, Date.now()) ? { ...side, phase: "stopped" } : side;
}

/** A side with what the log of its run tells: all of an agent's answer, and the end of a model's that was left before its end. */
function useSideInLog(side: CompletionState = NOTHING_ASKED): CompletionState {
  const isTold = side.runId !== null && (side.isAgent || side.phase === "open");
  const { data: events } = useQuery({
    ...answerEventsQuery(side.runId ?? ""),
    enabled: isTold,
    refetchInterval: ({ state }) => (isTold && isUnderWay(readAnswer(state.data ?? []).status) ? LOOK_EVERY_MS : false),
  });
  return useMemo(() => (!isTold || events === undefined ? side : sideFromLog(side, readAnswer(events))), [side, isTold, events]);
}

function isUnderWay(status: RunStatus): boolean {
  return status === "queued" || status === "running" || status === "waiting";
}

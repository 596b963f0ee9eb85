import { useQuery } from "@tanstack/react-query";
import { AppError, type Json } from "@tutti/core";
import type { ReactNode } from "react";
import { useAction } from "../../action.ts";
import { Button } from "../../parts/button.tsx";
import { Panel } from "../../parts/page.tsx";
import { complain, say } from "../../parts/toasts.tsx";
import { queryClient } from "../../query-client.ts";
import { client } from "../../server.ts";
import { EMPTY_TALLY, readTally, withVote, type Tally, type Verdict } from "./tally.ts";
import type { CompletionState } from "./completion-state.ts";

/** The view in which votes are kept: whoever signs in sees them. */
const VIEW = "compare votes";

const tallyQuery = {
  queryKey: ["views", VIEW],
  queryFn: async ({ signal }: { readonly signal: AbortSignal }): Promise<Tally> => {
    try {
      return readTally((await client.view(VIEW, signal)).value);
    } catch (thrown) {
      if (AppError.from(thrown).code === "not_found") return EMPTY_TALLY;
      throw thrown;
    }
  },
};

/** Which answer was better, and how often each of the two has been so far. */
export function Votes({ a, b }: { readonly a: CompletionState; readonly b: CompletionState }): ReactNode {
  const { data: tally = EMPTY_TALLY } = useQuery(tallyQuery);
  const keep = async (next: Tally): Promise<void> => {
    await client.saveView(VIEW, next as unknown as Json);
    queryClient.setQueryData(tallyQuery.queryKey, next);
  };
  const voting = useAction({
    mutationFn: async (verdict: Verdict) => {
      // Others may have voted since this page read them.
      const before = await queryClient.fetchQuery({ ...tallyQuery, staleTime: 0 });
      await keep(withVote(before, { a: a.model, b: b.model, verdict }));
      return before;
    },
    onSuccess: (before) => say("Your vote is kept", { undo: () => void keep(before).catch(complain) }),
    onError: complain,
  });
  const vote = (verdict: Verdict, label: string): ReactNode => (
    <Button isBusy={voting.isPending && voting.variables === verdict} onClick={() => voting.mutate(verdict)}>
      {label}
    </Button>
  );
  const pair = tally.pairs.find((one) => [one.a, one.b].toSorted().join() === [a.model, b.model].toSorted().join());
  return (
    <Panel title="Which is better?">
      <div className="flex flex-wrap items-center gap-2">
        {vote("a", "The first")}
        {vote("b", "The second")}
        {vote("same", "As good")}
        {pair !== undefined && (
          <p className="text-[13px] text-ink-2" dir="auto">
            {`So far: ${pair.a} ${pair.wonA}, ${pair.b} ${pair.wonB}, as good ${pair.same}.`}
          </p>
        )}
      </div>
    </Panel>
  );
}

import { useQuery } from "@tanstack/react-query";
import { AppError } from "@tutti/core";
import { differenceOf, touchesPast, type GraphReading } from "@tutti/core/graph";
import { useState, type ReactNode } from "react";
import { stringify } from "yaml";
import { useAction } from "../../../action.ts";
import { Button } from "../../../parts/button.tsx";
import { Confirm } from "../../../parts/confirm.tsx";
import { TextDiff } from "../../../parts/text-diff-view.tsx";
import { complain, say } from "../../../parts/toasts.tsx";
import { useSettled } from "../../../parts/use-settled.ts";
import { GoBack, Window } from "../../../parts/window.tsx";
import { client } from "../../../server.ts";
import { GraphEditor } from "../../workflows/editor/graph-editor.tsx";
import type { Problem } from "../../workflows/editor/problems.ts";
import { Difference, isEmpty } from "./difference.tsx";

interface AmendWindowProps {
  readonly runId: string;
  readonly reading: GraphReading;
  readonly onClose: () => void;
}

/** Changes a graph while it runs: what has begun stays, everything after it may become something else. */
export function AmendWindow({ runId, reading, onClose }: AmendWindowProps): ReactNode {
  // What somebody edits does not change under their hands, however far the run goes on.
  const [before] = useState(reading.graph);
  const [written] = useState(() => stringify(before, { lineWidth: 0 }));
  const [text, setText] = useState(written);
  const [isLeaving, setLeaving] = useState(false);
  const asked = useSettled(text);
  const check = useQuery({
    queryKey: ["graph", "check", asked],
    queryFn: ({ signal }) => client.checkGraph({ text: asked }, signal),
    placeholderData: (known) => known,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  });
  const after = check.data?.graph;
  const hasBegun = (id: string): boolean => reading.nodes.some(({ path, startedAt }) => path === id && startedAt !== undefined);
  const lockOf = (path: string): string | undefined =>
    hasBegun(path.split(/[.#]/)[0] ?? "") ? "It has begun, so it cannot change any more; add a node after it." : undefined;
  const past = after === undefined ? [] : touchesPast(before, after, hasBegun);
  const changes = after === undefined || past.length > 0 ? undefined : differenceOf(before, after);
  const amending = useAction({
    mutationFn: () => client.amendGraph(runId, { text }),
    onSuccess: () => {
      say("The run has taken the amendment over.");
      onClose();
    },
    onError: (thrown) => {
      if (problemsOf(thrown).length === 0) complain(thrown);
    },
  });
  const problems = [...(check.data?.problems ?? []), ...past, ...problemsOf(amending.error)];
  const isSame = text === asked;
  const canSend = isSame && check.data?.ok === true && changes !== undefined && !isEmpty(changes);
  const leave = (): void => (text === written ? onClose() : setLeaving(true));
  return (
    <Window
      title="Amend the running graph"
      about="Nodes that have begun stay as they are; others can be added, replaced, removed and connected in other ways."
      isOpen
      isWhole
      onClose={leave}
      foot={
        <>
          <GoBack onClick={leave} />
          <Button tone="primary" disabled={!canSend} isBusy={amending.isPending} onClick={() => amending.mutate()}>
            Amend
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-3">
        <div className="flex h-[62vh] min-h-96 flex-col">
          <GraphEditor value={text} onChange={setText} problems={problems} readings={reading.nodes} lockOf={lockOf} />
        </div>
        {changes !== undefined &&
          (isEmpty(changes) ? <p className="text-[13px] text-ink-2">Nothing is changed yet.</p> : <Difference changes={changes} />)}
        {text !== written && <TextDiff label="What changes in the text" before={written} after={text} />}
      </div>
      <Confirm
        title="Throw the amendment away?"
        about="What you have changed is not sent to the run, and is kept nowhere."
        verb="Throw away"
        done="The amendment is thrown away."
        isDangerous
        isOpen={isLeaving}
        onClose={() => setLeaving(false)}
        act={() => Promise.resolve(onClose())}
      />
    </Window>
  );
}

/** Why the run refused the amendment. */
function problemsOf(thrown: unknown): readonly Problem[] {
  if (!(thrown instanceof AppError) || typeof thrown.cause !== "object" || thrown.cause === null || !("problems" in thrown.cause))
    return [];
  return thrown.cause.problems as readonly Problem[];
}

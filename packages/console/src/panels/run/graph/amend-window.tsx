import { useMutation, useQuery } from "@tanstack/react-query";
import { AppError } from "@tutti/core";
import { differenceOf, touchesPast, type Graph, type GraphDifference, type GraphReading } from "@tutti/core/graph";
import { useState, type ReactNode } from "react";
import { stringify } from "yaml";
import { Button } from "../../../parts/button.tsx";
import { TextDiff } from "../../../parts/text-diff-view.tsx";
import { complain, say } from "../../../parts/toasts.tsx";
import { useSettled } from "../../../parts/use-settled.ts";
import { GoBack, Window } from "../../../parts/window.tsx";
import { client } from "../../../server.ts";
import { GraphEditor } from "../../workflows/editor/graph-editor.tsx";
import type { Problem } from "../../workflows/editor/problems.ts";

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
  const amending = useMutation({
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
  const canSend = isSame && check.data?.ok === true && past.length === 0 && after !== undefined && !isEmpty(differenceOf(before, after));
  return (
    <Window
      title="Amend the running graph"
      about="Nodes that have begun stay as they are; others can be added, replaced, removed and connected in other ways."
      isOpen
      isWhole
      onClose={onClose}
      foot={
        <>
          <GoBack onClick={onClose} />
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
        {after !== undefined && past.length === 0 && <Difference before={before} after={after} />}
        {text !== written && <TextDiff label="What changes in the text" before={written} after={text} />}
      </div>
    </Window>
  );
}

const WORDS: readonly (readonly [keyof GraphDifference, string])[] = [
  ["added", "New nodes"],
  ["removed", "Removed nodes"],
  ["replaced", "Changed nodes"],
  ["connected", "New edges"],
  ["disconnected", "Removed edges"],
];

function Difference({ before, after }: { readonly before: Graph; readonly after: Graph }): ReactNode {
  const difference = differenceOf(before, after);
  if (isEmpty(difference)) return <p className="text-[13px] text-ink-2">Nothing is changed yet.</p>;
  return (
    <dl aria-label="What changes" className="grid grid-cols-[max-content_minmax(0,1fr)] gap-x-4 gap-y-1 text-[13px]">
      {WORDS.flatMap(([field, word]) =>
        difference[field].length === 0
          ? []
          : [
              <div key={field} className="contents">
                <dt className="text-ink-3">{word}</dt>
                <dd className="break-words" dir="auto">
                  {difference[field].join(", ")}
                </dd>
              </div>,
            ],
      )}
    </dl>
  );
}

function isEmpty(difference: GraphDifference): boolean {
  return WORDS.every(([field]) => difference[field].length === 0);
}

/** Why the run refused the amendment. */
function problemsOf(thrown: unknown): readonly Problem[] {
  if (!(thrown instanceof AppError) || typeof thrown.cause !== "object" || thrown.cause === null || !("problems" in thrown.cause))
    return [];
  return thrown.cause.problems as readonly Problem[];
}

import type { GraphDifference } from "@tutti/core/graph";
import type { ReactNode } from "react";

const WORDS: readonly (readonly [keyof GraphDifference, string])[] = [
  ["added", "New nodes"],
  ["removed", "Removed nodes"],
  ["replaced", "Changed nodes"],
  ["connected", "New edges"],
  ["disconnected", "Removed edges"],
  ["fields", "Changed of the graph"],
];

/** Whether there is none. */
export function isEmpty(changes: GraphDifference): boolean {
  return WORDS.every(([field]) => changes[field].length === 0);
}

/** What changes, in words. */
export function Difference({ changes }: { readonly changes: GraphDifference }): ReactNode {
  return (
    <dl aria-label="What changes" className="grid grid-cols-[max-content_minmax(0,1fr)] gap-x-4 gap-y-1 text-[13px]">
      {WORDS.flatMap(([field, word]) =>
        changes[field].length === 0
          ? []
          : [
              <div key={field} className="contents">
                <dt className="text-ink-3">{word}</dt>
                <dd className="break-words" dir="auto">
                  {changes[field].join(", ")}
                </dd>
              </div>,
            ],
      )}
    </dl>
  );
}

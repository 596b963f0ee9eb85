import { canonicalJson } from "@tutti/core";
import { differenceOf, type Graph, type GraphDifference } from "@tutti/core/graph";
import type { ReactNode } from "react";

/** What an amendment changes: nodes and edges, and by their names the fields of the graph beside them, such as its output. */
export interface Changes extends GraphDifference {
  readonly fields: readonly string[];
}

/** What two graphs differ in, wholly. Pure. */
export function changesOf(before: Graph, after: Graph): Changes {
  const { nodes: _, edges: __, ...fieldsBefore } = before;
  const { nodes: ___, edges: ____, ...fieldsAfter } = after;
  const names = Object.keys({ ...fieldsBefore, ...fieldsAfter }) as (keyof typeof fieldsBefore)[];
  const fields = names.filter((name) => canonicalJson(fieldsBefore[name] ?? null) !== canonicalJson(fieldsAfter[name] ?? null));
  return { ...differenceOf(before, after), fields };
}

const WORDS: readonly (readonly [keyof Changes, string])[] = [
  ["added", "New nodes"],
  ["removed", "Removed nodes"],
  ["replaced", "Changed nodes"],
  ["connected", "New edges"],
  ["disconnected", "Removed edges"],
  ["fields", "Changed of the graph"],
];

/** Whether there is none. */
export function isEmpty(changes: Changes): boolean {
  return WORDS.every(([field]) => changes[field].length === 0);
}

/** What changes, in words. */
export function Difference({ changes }: { readonly changes: Changes }): ReactNode {
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

import { CircleAlert, CircleCheck } from "lucide-react";
import type { ReactNode } from "react";
import { placeOfPath, type Problem } from "./problems.ts";
import type { Place } from "./graph-text.ts";

interface ProblemListProps {
  readonly problems: readonly Problem[];
  /** Why the text cannot be read at all. */
  readonly mistake: { readonly line: number; readonly message: string } | undefined;
  readonly onOpen: (place: Place) => void;
}

/** Everything that is wrong with the graph; each leads to its place. */
export function ProblemList({ problems, mistake, onOpen }: ProblemListProps): ReactNode {
  if (problems.length === 0 && mistake === undefined)
    return (
      <p role="status" className="flex items-center gap-2 px-1 text-xs text-ink-2">
        <CircleCheck aria-hidden className="size-3.5 text-green" />
        Nothing is wrong with it.
      </p>
    );
  return (
    <section aria-label="Problems" className="max-h-36 overflow-y-auto rounded-md border border-red bg-ground-1 p-1.5">
      <ul className="flex flex-col">
        {mistake !== undefined && problems.length === 0 && (
          <li className="flex items-start gap-2 px-1.5 py-1 text-xs text-red">
            <CircleAlert aria-hidden className="mt-0.5 size-3.5 shrink-0" />
            {`Line ${mistake.line}: ${mistake.message}`}
          </li>
        )}
        {problems.map((problem, index) => (
          // The same may be wrong twice, at two places of one line.
          <li key={`${index}/${problem.message}`}>
            <button
              type="button"
              onClick={() => onOpen(placeOfPath(problem.path).place)}
              className="flex min-h-7 w-full items-start gap-2 rounded px-1.5 py-1 text-start text-xs text-red hover:bg-ground-2"
            >
              <CircleAlert aria-hidden className="mt-0.5 size-3.5 shrink-0" />
              {problem.line !== undefined && <span className="shrink-0 text-ink-3 tabular-nums">{`line ${problem.line}`}</span>}
              <span dir="auto">{problem.message}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

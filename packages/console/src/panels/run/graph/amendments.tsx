import type { AmendmentReading } from "@tutti/core/graph";
import type { ReactNode } from "react";
import { Badge } from "../../../parts/badge.tsx";
import { JsonView } from "../../../parts/json-view.tsx";
import { Moment } from "../../../parts/time.tsx";

/** What people have changed of the graph while it ran. */
export function Amendments({ amendments }: { readonly amendments: readonly AmendmentReading[] }): ReactNode {
  if (amendments.length === 0) return null;
  return (
    <section aria-label="Amendments" className="flex max-h-60 flex-col gap-2 overflow-y-auto">
      <h3 className="text-xs font-semibold text-ink-2">Amendments</h3>
      <ul className="flex flex-col gap-2">
        {amendments.map(({ id, at, isAccepted, data }) => (
          <li key={id} className="panel flex flex-col gap-2 p-3 text-[13px]">
            <span className="flex items-center gap-2">
              <Badge accent={isAccepted ? "green" : "red"}>{isAccepted ? "taken over" : "refused"}</Badge>
              <Moment at={at} />
            </span>
            <JsonView value={data} label="Amendment" openTo={1} />
          </li>
        ))}
      </ul>
    </section>
  );
}

import type { RunRecord } from "@tutti/core";
import type { ReactNode } from "react";
import { StatusBadge } from "../../parts/badge.tsx";
import { CopyButton } from "../../parts/copy.tsx";
import type { Column } from "../../parts/rows.tsx";
import { Moment, useNow } from "../../parts/time.tsx";
import { count, duration, shortId } from "../../parts/words.ts";

/** What the list shows of a run. */
export const RUN_COLUMNS: readonly Column<RunRecord>[] = [
  { id: "status", title: "Status", width: "7.25rem", cell: ({ status }) => <StatusBadge status={status} /> },
  { id: "workflow", title: "Workflow", width: "minmax(11rem, 2fr)", cell: ({ workflow }) => <span title={workflow}>{workflow}</span> },
  {
    id: "id",
    title: "Run",
    width: "11.5rem",
    cell: ({ id }) => (
      <span className="flex items-center gap-1" dir="ltr">
        <span className="font-mono text-xs text-ink-2" title={id}>
          {shortId(id)}
        </span>
        <CopyButton text={id} label="Copy the run's id" />
      </span>
    ),
  },
  { id: "started", title: "Started", width: "8rem", cell: ({ startedAt }) => <Moment at={startedAt} /> },
  { id: "duration", title: "Duration", width: "6.5rem", isNumber: true, cell: (run) => <Duration run={run} /> },
  { id: "events", title: "Events", width: "5rem", isNumber: true, cell: ({ events }) => count(events) },
  {
    id: "by",
    title: "Started by",
    width: "minmax(8rem, 1fr)",
    cell: ({ principalId }) => <span title={principalId}>{principalId}</span>,
  },
];

/** How long a run took, or has taken until now. */
function Duration({ run: { startedAt, endedAt } }: { readonly run: RunRecord }): ReactNode {
  return endedAt === null ? <Elapsed sinceMs={Date.parse(startedAt)} /> : duration(Date.parse(endedAt) - Date.parse(startedAt));
}

function Elapsed({ sinceMs }: { readonly sinceMs: number }): ReactNode {
  return duration(Math.max(0, useNow() - sinceMs));
}

import { useQuery } from "@tanstack/react-query";
import type { RunStatus } from "@tutti/core";
import type { ReactNode } from "react";
import { cx } from "../../parts/class-names.ts";
import { INK, STATUS_ACCENT } from "../../parts/tones.ts";
import { count } from "../../parts/words.ts";
import { countsQuery } from "./queries.ts";
import { STATUSES, type RunFilters } from "./run-filters.ts";

/** Statuses that are offered only when a run has one of them. */
const RARE: ReadonlySet<RunStatus> = new Set(["paused", "continued", "cancelled", "queued"]);

interface ChipsProps {
  readonly filters: RunFilters;
  readonly onStatuses: (statuses: readonly RunStatus[]) => void;
}

/** How many runs of each status the other filters find; a click shows only those. Which of them hold a text nobody has counted. */
export function StatusChips({ filters, onStatuses }: ChipsProps): ReactNode {
  const counted = useQuery(countsQuery(filters));
  const counts = filters.text === "" ? counted.data : undefined;
  const shown = STATUSES.filter(
    (status) => !RARE.has(status) || (counted.data?.byStatus[status] ?? 0) > 0 || filters.statuses.includes(status),
  );
  const toggle = (status: RunStatus): void =>
    onStatuses(filters.statuses.includes(status) ? filters.statuses.filter((one) => one !== status) : [...filters.statuses, status]);
  return (
    // One line on a phone, whatever numbers come: what stands below must not move under a finger.
    <div role="group" aria-label="Status" className="-m-1 flex shrink-0 gap-1.5 overflow-x-auto p-1 sm:flex-wrap sm:overflow-visible">
      <Chip isOn={filters.statuses.length === 0} number={counts?.total} isMore={counts?.isWhole === false} onClick={() => onStatuses([])}>
        All
      </Chip>
      {shown.map((status) => (
        <Chip key={status} isOn={filters.statuses.includes(status)} number={counts?.byStatus[status]} onClick={() => toggle(status)}>
          <span aria-hidden className={cx("size-2 rounded-full bg-current", INK[STATUS_ACCENT[status]])} />
          {status}
        </Chip>
      ))}
    </div>
  );
}

interface ChipProps {
  readonly isOn: boolean;
  readonly number: number | undefined;
  readonly isMore?: boolean;
  readonly onClick: () => void;
  readonly children: ReactNode;
}

function Chip({ isOn, number, isMore = false, onClick, children }: ChipProps): ReactNode {
  return (
    <button
      type="button"
      aria-pressed={isOn}
      onClick={onClick}
      className={cx(
        "inline-flex h-7 shrink-0 items-center gap-1.5 rounded-full border px-2.5 text-xs font-medium",
        isOn ? "border-blue bg-ground-3 text-ink" : "border-line-strong bg-ground-1 text-ink-2 hover:bg-ground-2",
      )}
    >
      {children}
      {number !== undefined && <span className="text-ink-2 tabular-nums">{`${count(number)}${isMore ? "+" : ""}`}</span>}
    </button>
  );
}

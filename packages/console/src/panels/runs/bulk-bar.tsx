import type { RunCounts } from "@tutti/client";
import type { RunRecord } from "@tutti/core";
import { Ban, Play, RotateCcw, type LucideIcon } from "lucide-react";
import type { ReactNode } from "react";
import { Button } from "../../parts/button.tsx";
import { count } from "../../parts/words.ts";
import { countOf, planOf, type BulkAction } from "./bulk.ts";
import type { RunFilters } from "./run-filters.ts";
import { NOTHING, type Selection } from "./selection.ts";

const ACTIONS: readonly { readonly action: BulkAction; readonly verb: string; readonly icon: LucideIcon }[] = [
  { action: "cancel", verb: "Cancel", icon: Ban },
  { action: "retry", verb: "Retry", icon: RotateCcw },
  { action: "resume", verb: "Resume", icon: Play },
];

interface BarProps {
  readonly selection: Selection;
  readonly ground: { readonly rows: readonly RunRecord[]; readonly filters: RunFilters; readonly counts: RunCounts | undefined };
  readonly onSelection: (selection: Selection) => void;
  readonly onAction: (action: BulkAction) => void;
}

/** What is selected, and what can be done about it. An action that fits none of the selected runs is off. */
export function BulkBar({ selection, ground, onSelection, onAction }: BarProps): ReactNode {
  const { filters, counts } = ground;
  const matching = countOf(filters, counts);
  const canSelectMore = selection.type === "some" && (matching === undefined || selection.ids.size < matching);
  return (
    <div
      role="group"
      aria-label="Selected runs"
      className="flex flex-wrap items-center gap-2 rounded-lg border border-blue bg-ground-2 px-3 py-1.5"
    >
      <span role="status" className="text-[13px] font-medium">
        {selection.type === "some"
          ? `${count(selection.ids.size)} selected`
          : `All ${matching === undefined ? "" : `${count(matching)} `}that fit the filters`}
      </span>
      {canSelectMore && (
        <Button tone="quiet" onClick={() => onSelection({ type: "all" })}>
          Select all that fit
        </Button>
      )}
      <span className="grow" />
      {ACTIONS.map(({ action, verb, icon: Icon }) => {
        const plan = planOf(action, selection, ground);
        return (
          <Button key={action} disabled={plan === undefined} onClick={() => onAction(action)}>
            <Icon aria-hidden className="size-3.5" />
            {plan?.count === undefined ? verb : `${verb} ${count(plan.count)}`}
          </Button>
        );
      })}
      <Button tone="quiet" onClick={() => onSelection(NOTHING)}>
        Select nothing
      </Button>
    </div>
  );
}

import type { RunStatus } from "@tutti/core";
import { Ban, CheckCircle2, CircleDashed, Hourglass, LoaderCircle, PauseCircle, Redo2, XCircle, type LucideIcon } from "lucide-react";
import { memo, type ReactNode } from "react";
import { cx } from "./class-names.ts";
import { INK, STATUS_ACCENT, type Accent } from "./tones.ts";

/** A word in a frame. Colour never says it alone. */
export function Badge({ accent = "grey", children }: { readonly accent?: Accent | undefined; readonly children: ReactNode }): ReactNode {
  return (
    <span
      className={cx(
        "inline-flex h-5 items-center align-middle gap-1 rounded border border-current/35 bg-ground-2 px-1.5 text-[11px] font-medium whitespace-nowrap",
        INK[accent],
      )}
    >
      {children}
    </span>
  );
}

const ICONS: Readonly<Record<RunStatus, LucideIcon>> = {
  queued: CircleDashed,
  running: LoaderCircle,
  waiting: Hourglass,
  paused: PauseCircle,
  completed: CheckCircle2,
  failed: XCircle,
  cancelled: Ban,
  continued: Redo2,
};

/** Where a run stands. Nothing turns: that would have the browser draw sixty frames a second for as long as anything runs. */
export const StatusBadge = memo(function StatusBadge({ status }: { readonly status: RunStatus }): ReactNode {
  const Icon = ICONS[status];
  return (
    <Badge accent={STATUS_ACCENT[status]}>
      <Icon aria-hidden className="size-3" />
      {status}
    </Badge>
  );
});

import type { ReactNode } from "react";
import { cx } from "./class-names.ts";
import { INK, type Accent } from "./tones.ts";

interface StatProps {
  readonly label: string;
  readonly value: ReactNode;
  readonly accent?: Accent;
  readonly about?: ReactNode;
  readonly picture?: ReactNode;
}

/** One number and what it counts. */
export function Stat({ label, value, accent = "grey", about, picture }: StatProps): ReactNode {
  return (
    <div className="panel flex min-w-0 flex-col gap-1 p-4">
      <span className="truncate text-xs font-medium text-ink-2" dir="auto">
        {label}
      </span>
      <span className={cx("text-2xl font-semibold tracking-tight tabular-nums", accent === "grey" ? "text-ink" : INK[accent])}>
        {value}
      </span>
      {about !== undefined && <span className="text-xs text-ink-3">{about}</span>}
      {picture}
    </div>
  );
}

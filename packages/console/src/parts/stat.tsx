import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { cx } from "./class-names.ts";
import { INK, type Accent } from "./tones.ts";

interface StatProps {
  readonly label: string;
  readonly value: ReactNode;
  readonly accent?: Accent;
  readonly about?: ReactNode;
  readonly picture?: ReactNode;
  /** The page that shows what is counted. */
  readonly to?: string;
  readonly search?: Readonly<Record<string, string>>;
}

/** One number and what it counts. */
export function Stat({ label, value, accent = "grey", about, picture, to, search = {} }: StatProps): ReactNode {
  const content = (
    <>
      <span className="truncate text-xs font-medium text-ink-2" dir="auto">
        {label}
      </span>
      <span className={cx("text-2xl font-semibold tracking-tight tabular-nums", accent === "grey" ? "text-ink" : INK[accent])}>
        {value}
      </span>
      {about !== undefined && <span className="text-xs text-ink-3">{about}</span>}
      {picture}
    </>
  );
  const look = "panel flex min-w-0 flex-col gap-1 p-4";
  if (to === undefined) return <div className={look}>{content}</div>;
  return (
    <Link to={to} search={search} className={cx(look, "hover:border-line-strong hover:bg-ground-2")}>
      {content}
    </Link>
  );
}

import type { PanelFormat, PanelScalar } from "@tutti/core/plugin";
import type { ReactNode } from "react";
import { Badge } from "../../parts/badge.tsx";
import { SafeLink } from "../../parts/safe-link.tsx";
import { bytes, clockTime, duration } from "../../parts/words.ts";

interface CellProps {
  readonly value: PanelScalar | undefined;
  readonly format?: PanelFormat | undefined;
  readonly unit?: string | undefined;
}

/** One value as its panel wants it written. It is text whatever it holds. */
export function Cell({ value, format = "text", unit }: CellProps): ReactNode {
  if (value === null || value === undefined) return <span className="text-ink-3">–</span>;
  if (format === "badge") return <Badge accent="blue">{String(value)}</Badge>;
  if (format === "link") return <SafeLink href={String(value)}>{String(value)}</SafeLink>;
  return written(value, { format, unit });
}

/** A value as words. A number is written in the reader's own language. */
export function written(value: PanelScalar, { format = "text", unit }: Omit<CellProps, "value">): string {
  if (format === "date" && typeof value !== "boolean" && value !== null) return momentOf(value);
  if (typeof value !== "number") return String(value ?? "–");
  switch (format) {
    case "money":
      return money(value, unit ?? "USD");
    case "percent":
      return new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 1 }).format(value);
    case "bytes":
      return bytes(value);
    case "duration":
      return duration(unit === "s" ? value * 1000 : value);
    case "number":
    case "text":
    case "badge":
    case "link":
    case "date":
      return `${new Intl.NumberFormat(undefined, { maximumFractionDigits: 3 }).format(value)}${unit === undefined ? "" : ` ${unit}`}`;
  }
}

const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** What is no moment stays what it is. */
function momentOf(value: string | number): string {
  const moment = new Date(value);
  // A day is the same day everywhere.
  if (DAY.test(String(value)) && !Number.isNaN(moment.getTime()))
    return new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeZone: "UTC" }).format(moment);
  return Number.isNaN(moment.getTime()) ? String(value) : clockTime(moment.toISOString());
}

/** A currency that the browser does not know is written behind the number. */
function money(value: number, currency: string): string {
  try {
    return new Intl.NumberFormat(undefined, { style: "currency", currency }).format(value);
  } catch {
    return `${new Intl.NumberFormat().format(value)} ${currency}`;
  }
}

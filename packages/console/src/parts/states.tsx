import { AppError } from "@tutti/core";
import { CircleAlert, Inbox, type LucideIcon } from "lucide-react";
import type { ReactNode } from "react";
import { Button } from "./button.tsx";

interface EmptyProps {
  readonly icon?: LucideIcon;
  readonly title: string;
  /** What to do next. */
  readonly children?: ReactNode;
}

/** Nothing is here yet, and what to do about that. */
export function Empty({ icon: Icon = Inbox, title, children }: EmptyProps): ReactNode {
  return (
    <div className="flex flex-col items-center gap-2 px-6 py-12 text-center">
      <Icon aria-hidden className="size-8 text-ink-3" strokeWidth={1.4} />
      <p className="text-sm font-medium text-ink">{title}</p>
      {children !== undefined && <div className="max-w-prose text-[13px] text-ink-2">{children}</div>}
    </div>
  );
}

/** What went wrong, by its stable code, and a way to try again. */
export function Failure({ error, onRetry }: { readonly error: unknown; readonly onRetry?: () => unknown }): ReactNode {
  const { code, message } = AppError.from(error);
  return (
    <div role="alert" className="flex flex-col items-start gap-2 rounded-lg border border-red bg-ground-1 p-4">
      <p className="flex items-center gap-2 text-[13px] font-semibold text-red">
        <CircleAlert aria-hidden className="size-4" />
        {code}
      </p>
      <p className="text-[13px] break-words text-ink-2" dir="auto">
        {message}
      </p>
      {onRetry !== undefined && <Button onClick={() => onRetry()}>Try again</Button>}
    </div>
  );
}

/** Something is being read: as many lines as will come. */
export function Loading({ lines = 4 }: { readonly lines?: number }): ReactNode {
  return (
    <div role="status" className="flex flex-col gap-2 p-2">
      <span className="sr-only">Loading</span>
      {Array.from({ length: lines }, (_, line) => (
        <div key={line} aria-hidden className="skeleton h-5" style={{ width: `${92 - ((line * 17) % 40)}%` }} />
      ))}
    </div>
  );
}

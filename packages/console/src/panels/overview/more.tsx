import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";

interface MoreProps {
  readonly to: string;
  readonly search?: Readonly<Record<string, string>>;
  readonly children: ReactNode;
}

/** The way from a panel to the page that shows all of it. */
export function More({ to, search = {}, children }: MoreProps): ReactNode {
  return (
    <Link to={to} search={search} className="shrink-0 text-xs text-ink-2 hover:text-ink hover:underline">
      {children}
    </Link>
  );
}

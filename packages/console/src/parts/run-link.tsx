import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { shortId } from "./words.ts";

/** The way to a run, by the part of its id that people tell each other. */
export function RunLink({ id }: { readonly id: string }): ReactNode {
  return (
    <Link to="/runs/$runId" params={{ runId: id }} className="font-mono text-xs text-blue underline">
      {shortId(id)}
    </Link>
  );
}

import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { shortId } from "./words.ts";

interface RunLinkProps {
  readonly id: string;
  /** The step that is shown at once. */
  readonly span?: string;
  /** What stands in the place of its id. */
  readonly children?: ReactNode;
}

/** The way to a run, by the part of its id that people tell each other. */
export function RunLink({ id, span, children }: RunLinkProps): ReactNode {
  return (
    <Link to="/runs/$runId" params={{ runId: id }} search={span === undefined ? {} : { span }} className="text-blue underline" title={id}>
      {children ?? <code className="font-mono text-xs">{shortId(id)}</code>}
    </Link>
  );
}

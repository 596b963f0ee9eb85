import { Link } from "@tanstack/react-router";
import { Receipt } from "lucide-react";
import type { ReactNode } from "react";

/** Where what is shown came from: each call has a receipt. */
export function PanelSource({ runId }: { readonly runId: string | null }): ReactNode {
  if (runId === null) return null;
  return (
    <Link
      to="/runs/$runId"
      params={{ runId }}
      search={{ tab: "receipt" }}
      className="inline-flex w-fit items-center gap-1 text-[11px] text-ink-3 hover:text-ink"
    >
      <Receipt aria-hidden className="size-3" />
      receipt
    </Link>
  );
}

import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Hint } from "../parts/hint.tsx";
import { healthQuery } from "../queries.ts";

/** Whether the server is there and well. */
export function Connection(): ReactNode {
  const health = useQuery({ ...healthQuery, refetchInterval: 10_000 });
  const state = health.error !== null ? "offline" : (health.data?.status ?? "…");
  const colour = state === "ok" ? "bg-green" : state === "degraded" ? "bg-yellow" : "bg-red";
  return (
    <Hint text={state === "offline" ? "The server does not answer; this page goes on by itself when it does" : `The server is ${state}`}>
      <span role="status" className="flex items-center gap-1.5 text-xs text-ink-2">
        <span aria-hidden className={`size-2 rounded-full ${state === "…" ? "bg-ink-3" : colour}`} />
        {state}
      </span>
    </Hint>
  );
}

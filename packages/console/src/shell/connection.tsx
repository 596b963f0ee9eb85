import { useQuery, useQueryClient } from "@tanstack/react-query";
import type { LiveState } from "@tutti/client";
import { WifiOff } from "lucide-react";
import { useEffect, useRef, type ReactNode } from "react";
import { reconnect, useConnection, useLive } from "../feed.ts";
import { Button } from "../parts/button.tsx";
import { Hint } from "../parts/hint.tsx";
import { Moment } from "../parts/time.tsx";
import { several } from "../parts/words.ts";
import { approvalsQuery, approvalsTotalQuery, healthQuery } from "../queries.ts";

const HEALTH_EVERY_MS = 15_000;
const DOT: Readonly<Record<string, string>> = { ok: "bg-green", degraded: "bg-yellow", down: "bg-red" };

/** Whether the page hears of changes, and whether the server is well. */
export function Connection(): ReactNode {
  const { status } = useConnection();
  const queries = useQueryClient();
  const health = useQuery({ ...healthQuery, refetchInterval: HEALTH_EVERY_MS });
  // What people are asked stands in the navigation, so it is kept new on every page.
  useLive(
    { topic: "approvals" },
    {
      onStart: () => queries.invalidateQueries({ queryKey: approvalsQuery.queryKey }),
      onData: ({ approvals, total }) => {
        queries.setQueryData(approvalsQuery.queryKey, approvals);
        queries.setQueryData(approvalsTotalQuery.queryKey, total);
      },
    },
  );
  useCatchUp(status);
  const state = status === "live" ? (health.data?.status ?? "ok") : status;
  const parts = health.data?.components.filter((part) => part.status === state).length ?? 0;
  return (
    <Hint
      text={
        status === "live"
          ? state === "ok"
            ? "Live; the server is well"
            : `Live; ${several(parts, "part")} of the server ${parts === 1 ? "is" : "are"} ${state}`
          : "What you see may be old"
      }
    >
      <span role="status" className="flex shrink-0 items-center gap-1.5 text-xs whitespace-nowrap text-ink-2">
        <span aria-hidden className={`size-2 shrink-0 rounded-full ${DOT[state] ?? "bg-orange"}`} />
        {state === "ok" ? "Live" : status === "live" && parts > 0 ? `${several(parts, "part")} ${state}` : state}
      </span>
    </Hint>
  );
}

/** Lists that no feed keeps new are read again when the connection is back. */
function useCatchUp(status: LiveState["status"]): void {
  const queries = useQueryClient();
  const wasOffline = useRef(false);
  useEffect(() => {
    if (status === "live" && wasOffline.current) void queries.invalidateQueries();
    wasOffline.current = status === "offline";
  }, [status, queries]);
}

/** Says over the page that the server cannot be reached, and since when. */
export function OfflineBanner(): ReactNode {
  const { status, since } = useConnection();
  if (status !== "offline") return null;
  return (
    <div role="alert" className="flex items-center gap-3 border-b border-orange bg-ground-2 px-4 py-2 text-[13px]">
      <WifiOff aria-hidden className="size-4 text-orange" />
      <p className="grow">
        The server does not answer (<Moment at={since} />
        ). What you see may be old; nothing is lost, and the page catches up by itself.
      </p>
      <Button onClick={reconnect}>Try now</Button>
    </div>
  );
}

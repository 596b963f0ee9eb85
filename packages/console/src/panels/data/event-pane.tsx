import { useQuery } from "@tanstack/react-query";
import { AppError } from "@tutti/core";
import { X } from "lucide-react";
import type { ReactNode } from "react";
import { IconButton } from "../../parts/button.tsx";
import { CopyButton } from "../../parts/copy.tsx";
import { JsonView } from "../../parts/json-view.tsx";
import { Queried } from "../../parts/queried.tsx";
import { RunLink } from "../../parts/run-link.tsx";
import { client } from "../../server.ts";
import { fieldOf } from "./logged-event.ts";

/** One event as a whole, also one that the list has not read. */
export function EventPane({ position, onClose }: { readonly position: number; readonly onClose: () => void }): ReactNode {
  const event = useQuery({
    queryKey: ["event", position],
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: async ({ signal }) => {
      const [found] = (await client.trustEvents({ after: position - 1, limit: 1 }, signal)).events;
      if (found?.position === position) return found.event;
      throw new AppError("not_found", `wanted the event ${position} of the log, got none; it may have been pruned`);
    },
  });
  return (
    <aside aria-label={`Event ${position}`} className="panel flex max-h-[40vh] shrink-0 flex-col">
      <header className="flex items-center gap-2 border-b border-line px-3 py-1.5">
        <h2 className="grow text-[13px] font-semibold">Event {position}</h2>
        {event.data !== undefined && <RunLink id={fieldOf(event.data, "runId")} />}
        <CopyButton text={location.href} label="Copy the address of this event" />
        <IconButton label="Close the event" onClick={onClose}>
          <X aria-hidden className="size-4" />
        </IconButton>
      </header>
      <div className="overflow-y-auto p-3">
        <Queried query={event}>{(value) => <JsonView value={value} label="event" />}</Queried>
      </div>
    </aside>
  );
}

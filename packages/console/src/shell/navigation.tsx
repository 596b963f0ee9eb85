import { Link } from "@tanstack/react-router";
import { COUNTED_APPROVALS_MAX } from "@tutti/client";
import { X } from "lucide-react";
import { useEffect, useEffectEvent, type ReactNode } from "react";
import { IconButton } from "../parts/button.tsx";
import { cx } from "../parts/class-names.ts";
import { countUpTo } from "../parts/words.ts";
import { useApprovalsTotal } from "../queries.ts";
import { PLACES, type Place } from "./places.ts";

/** Where a person can go. Beside the page where there is room, over it where there is not. */
export function Navigation({ isOpen, onClose }: { readonly isOpen: boolean; readonly onClose: () => void }): ReactNode {
  const close = useEffectEvent(onClose);
  useEffect(() => {
    if (!isOpen) return;
    const onKey = (event: KeyboardEvent): void => void (event.key === "Escape" && close());
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, [isOpen]);
  return (
    <nav
      aria-label="Pages"
      className={cx(
        "w-56 shrink-0 flex-col gap-4 overflow-y-auto border-e border-line bg-ground-1 p-3 md:static md:flex",
        isOpen ? "fixed inset-y-0 start-0 z-40 flex shadow-2xl" : "hidden",
      )}
    >
      <div className="flex h-7 items-center gap-2 px-2">
        <img src="./icon.svg" alt="" className="size-6" />
        <span className="grow text-[15px] font-semibold tracking-tight">Tutti</span>
        {isOpen && (
          <IconButton label="Close menu" onClick={onClose} autoFocus>
            <X aria-hidden className="size-4" />
          </IconButton>
        )}
      </div>
      {PLACES.map(({ group, places }) => (
        <div key={group} role="group" aria-label={group} className="flex flex-col gap-0.5">
          <span aria-hidden className="px-2 pb-0.5 text-[11px] font-medium text-ink-3">
            {group}
          </span>
          {places.map((place) => (
            <PlaceLink key={place.to} place={place} onGo={onClose} />
          ))}
        </div>
      ))}
    </nav>
  );
}

function PlaceLink({ place: { to, title, icon: Icon }, onGo }: { readonly place: Place; readonly onGo: () => void }): ReactNode {
  return (
    <Link
      to={to}
      onClick={onGo}
      activeOptions={{ exact: to === "/", includeSearch: false }}
      className="flex h-8 items-center gap-2.5 rounded-md px-2 text-[13px] text-ink-2 hover:bg-ground-2 hover:text-ink aria-[current=page]:bg-ground-3 aria-[current=page]:font-medium aria-[current=page]:text-ink"
    >
      <Icon aria-hidden className="size-4" strokeWidth={1.75} />
      <span className="grow">{title}</span>
      {to === "/approvals" && <OpenApprovals />}
    </Link>
  );
}

function OpenApprovals(): ReactNode {
  const total = useApprovalsTotal();
  if (total === 0) return null;
  return (
    <span className="rounded-full bg-orange px-1.5 text-[11px] font-semibold text-on-accent tabular-nums">
      {countUpTo(total, COUNTED_APPROVALS_MAX)}
      <span className="sr-only"> waiting</span>
    </span>
  );
}

import { getRouteApi } from "@tanstack/react-router";
import { useCallback } from "react";
import type { Search } from "../../router.tsx";

const route = getRouteApi("/runs/$runId");

/** The run page's address: which run, which tab, what is selected, which time is in sight, what is searched for. */
export interface Address {
  readonly runId: string;
  readonly search: Search;
  /** Changes what is given and keeps the rest; `undefined` takes it out. With "push" the browser's way back leads here. */
  readonly change: (search: Search, how?: "replace" | "push") => void;
}

/** Where the page is, and how it goes elsewhere. */
export function useAddress(): Address {
  const { runId } = route.useParams();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const change = useCallback(
    (next: Search, how: "replace" | "push" = "replace") =>
      void navigate({ search: (before: Search) => ({ ...before, ...next }), replace: how === "replace", resetScroll: false }),
    [navigate],
  );
  return { runId, search, change };
}

import { useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback } from "react";
import type { Search } from "./router.tsx";

/** What is being done with one thing of a page, as its address says, "?key=ID&do=revoke", and how another thing is begun or ended with it. */
export function useDoing(thing: string, id: string): readonly [doing: string | undefined, set: (doing: string | undefined) => void] {
  const search: Search = useSearch({ strict: false });
  const navigate = useNavigate();
  const set = (doing: string | undefined): void => {
    const change = { [thing]: doing === undefined ? undefined : id, do: doing };
    void navigate({ to: ".", search: (before: Search) => ({ ...before, ...change }), replace: true, resetScroll: false });
  };
  return [search[thing] === id ? search["do"] : undefined, set];
}

/** Brings the thing that the address names, "?plugin=shop", into sight and to the keyboard; for its line, which takes the focus from programs. */
export function useNamedHere(thing: string, id: string): (line: HTMLElement | null) => void {
  const search: Search = useSearch({ strict: false });
  const isNamed = search[thing] === id && search["do"] === undefined;
  return useCallback(
    (line) => {
      if (!isNamed) return;
      line?.scrollIntoView({ block: "center" });
      line?.focus();
    },
    [isNamed],
  );
}

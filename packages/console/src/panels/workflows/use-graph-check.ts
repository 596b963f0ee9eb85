import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useSettled } from "../../parts/use-settled.ts";
import { client } from "../../server.ts";
import type { Problem } from "./editor/problems.ts";

const NONE: readonly Problem[] = [];

/** What the server says is wrong with a text; `isChecking` while it was not asked about this very text yet. */
export function useGraphCheck(text: string, name: string): { readonly problems: readonly Problem[]; readonly isChecking: boolean } {
  const settled = useSettled(text);
  const { data, isPlaceholderData } = useQuery({
    queryKey: ["graph-check", name, settled],
    queryFn: ({ signal }) => client.checkGraph({ text: settled, name }, signal),
    placeholderData: keepPreviousData,
    gcTime: 10_000,
  });
  return { problems: data?.problems ?? NONE, isChecking: settled !== text || data === undefined || isPlaceholderData };
}

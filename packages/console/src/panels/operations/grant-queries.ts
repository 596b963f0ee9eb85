import { queryOptions } from "@tanstack/react-query";
import { client } from "../../server.ts";

/** "grant": calls of a tool for some time; "approval": one call. */
export type GivenKind = "grant" | "approval";

const EVERY_MS = 10_000;

/** What people have approved before they are asked; `all`: what can be used no more, too. */
export const grantsQuery = (kind: GivenKind, all: boolean) =>
  queryOptions({
    queryKey: ["grants", kind, all],
    queryFn: ({ signal }) => client.grants({ kind, all }, signal),
    // No feed tells of uses.
    refetchInterval: EVERY_MS,
  });

/** One of them, with its uses. */
export const grantQuery = (id: string) =>
  queryOptions({ queryKey: ["grants", "one", id], queryFn: ({ signal }) => client.grant(id, signal), refetchInterval: EVERY_MS });

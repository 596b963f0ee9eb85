import { queryOptions } from "@tanstack/react-query";
import { client } from "../../server.ts";

const KEYS_SHOWN = 200;
/** What is used of budgets changes while somebody looks. */
const EVERY_MS = 10_000;

/** Keys of programs, each with what its budgets have left. */
export const keysQuery = queryOptions({
  queryKey: ["keys", "with budgets"],
  queryFn: async ({ signal }) => {
    const all = (await client.keys(signal)).slice(0, KEYS_SHOWN);
    // What is left of budgets is told of one key at a time.
    return Promise.all(all.map(async (key) => (key.status === "active" ? client.key(key.id, signal) : key)));
  },
  refetchInterval: EVERY_MS,
});

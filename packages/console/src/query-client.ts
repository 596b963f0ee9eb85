import { QueryClient } from "@tanstack/react-query";
import { AppError } from "@tutti/core";

/** How often a question is asked again when its answer may come yet. */
const RETRIES_MAX = 2;
/** How old an answer may be before a page that opens asks anew. What changes is told by the live feed in between. */
const STALE_MS = 5000;

/** What the pages know of the server. */
export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: STALE_MS,
      retry: (failures, error) => failures < RETRIES_MAX && AppError.from(error).isRetryable,
      refetchOnWindowFocus: false,
    },
    mutations: { retry: false },
  },
});

import type { UseQueryResult } from "@tanstack/react-query";
import { AppError } from "@tutti/core";
import type { ReactNode } from "react";
import { Failure, Loading } from "./states.tsx";

interface QueriedProps<T> {
  readonly query: UseQueryResult<T>;
  readonly lines?: number;
  /** Instead of the server's words, where there is no such thing: people want the way to those that there are. */
  readonly missing?: ReactNode;
  readonly children: (data: T) => ReactNode;
}

/** What a query gave; until then that it is being read, or why it is not there. Old data stays while new data is read. */
export function Queried<T>({ query, lines, missing, children }: QueriedProps<T>): ReactNode {
  if (query.data !== undefined) return children(query.data);
  if (missing !== undefined && query.error !== null && AppError.from(query.error).code === "not_found") return missing;
  if (query.error !== null) return <Failure error={query.error} onRetry={() => query.refetch()} />;
  return <Loading {...(lines !== undefined && { lines })} />;
}

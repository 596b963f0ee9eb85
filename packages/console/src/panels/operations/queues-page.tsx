import type { ReactNode } from "react";
import { Page } from "../../parts/page.tsx";

/** Queues. */
export function QueuesPage(): ReactNode {
  return <Page title="Queues">{null}</Page>;
}

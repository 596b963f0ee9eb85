import type { ReactNode } from "react";
import { Page } from "../../parts/page.tsx";

/** Agents. */
export function AgentsPage(): ReactNode {
  return <Page title="Agents">{null}</Page>;
}

import type { ReactNode } from "react";
import { Page } from "../../parts/page.tsx";

/** Agent. */
export function AgentPage(): ReactNode {
  return <Page title="Agent">{null}</Page>;
}

import type { ReactNode } from "react";
import { Page } from "../../parts/page.tsx";

/** Workflows. */
export function WorkflowsPage(): ReactNode {
  return <Page title="Workflows">{null}</Page>;
}

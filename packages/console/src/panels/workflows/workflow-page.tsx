import type { ReactNode } from "react";
import { Page } from "../../parts/page.tsx";

/** Workflow. */
export function WorkflowPage(): ReactNode {
  return <Page title="Workflow">{null}</Page>;
}

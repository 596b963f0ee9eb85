import type { ReactNode } from "react";
import { Page } from "../../parts/page.tsx";

/** Overview. */
export function OverviewPage(): ReactNode {
  return <Page title="Overview">{null}</Page>;
}

import type { ReactNode } from "react";
import { Page } from "../../parts/page.tsx";

/** Commerce. */
export function CommercePage(): ReactNode {
  return <Page title="Commerce">{null}</Page>;
}

import type { ReactNode } from "react";
import { Page } from "../../parts/page.tsx";

/** Compare. */
export function ComparePage(): ReactNode {
  return <Page title="Compare">{null}</Page>;
}

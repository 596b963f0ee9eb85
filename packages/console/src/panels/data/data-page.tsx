import type { ReactNode } from "react";
import { Page } from "../../parts/page.tsx";

/** Data. */
export function DataPage(): ReactNode {
  return <Page title="Data">{null}</Page>;
}

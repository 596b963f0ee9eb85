import type { ReactNode } from "react";
import { Page } from "../../parts/page.tsx";

/** Events. */
export function EventsPage(): ReactNode {
  return <Page title="Events">{null}</Page>;
}

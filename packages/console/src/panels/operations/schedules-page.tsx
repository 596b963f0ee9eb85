import type { ReactNode } from "react";
import { Page } from "../../parts/page.tsx";

/** Schedules. */
export function SchedulesPage(): ReactNode {
  return <Page title="Schedules">{null}</Page>;
}

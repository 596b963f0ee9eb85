import type { ReactNode } from "react";
import { Page } from "../../parts/page.tsx";

/** DeadLetters. */
export function DeadLettersPage(): ReactNode {
  return <Page title="DeadLetters">{null}</Page>;
}

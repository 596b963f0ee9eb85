import type { ErrorComponentProps } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { Page } from "../parts/page.tsx";
import { Failure } from "../parts/states.tsx";

/** A page that could not be drawn. The rest of the console goes on: every other page is a click away. */
export function BrokenPage({ error, reset }: ErrorComponentProps): ReactNode {
  return (
    <Page title="This page could not be shown">
      <Failure error={error} onRetry={reset} />
    </Page>
  );
}

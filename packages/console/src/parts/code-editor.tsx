import { Suspense, type ReactNode } from "react";
import { latePart } from "../late.tsx";
import type { CodeViewProps } from "./code-view.tsx";
import { Loading } from "./states.tsx";

const CodeView = latePart(() => import("./code-view.tsx"), "CodeView");

/** An editor of YAML or JSON with line numbers, colours and problems at their lines. It is loaded when it is first shown. */
export function CodeEditor(props: CodeViewProps): ReactNode {
  return (
    <Suspense fallback={<Loading lines={8} />}>
      <CodeView {...props} />
    </Suspense>
  );
}

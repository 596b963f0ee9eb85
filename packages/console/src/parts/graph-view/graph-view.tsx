import { lazy, Suspense, type ReactNode } from "react";
import { Loading } from "../states.tsx";
import type { GraphCanvasProps } from "./graph-canvas.tsx";

const Canvas = lazy(() => import("./graph-canvas.tsx").then(({ GraphCanvas }) => ({ default: GraphCanvas })));

/** A picture of nodes and the ways between them. What draws it is loaded when the first picture is shown. */
export function GraphView(props: GraphCanvasProps): ReactNode {
  return (
    <Suspense fallback={<Loading lines={6} />}>
      <Canvas {...props} />
    </Suspense>
  );
}

import { Suspense, type ReactNode } from "react";
import { latePart } from "../../late.tsx";
import { Loading } from "../states.tsx";
import type { GraphCanvasProps } from "./graph-canvas.tsx";

const Canvas = latePart(() => import("./graph-canvas.tsx"), "GraphCanvas");

/** A picture of nodes and the ways between them. What draws it is loaded when the first picture is shown. */
export function GraphView(props: GraphCanvasProps): ReactNode {
  return (
    <Suspense fallback={<Loading lines={6} />}>
      <Canvas {...props} />
    </Suspense>
  );
}

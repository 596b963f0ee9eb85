import { Handle, type Node, type NodeProps } from "@xyflow/react";
import { TriangleAlert } from "lucide-react";
import { memo, type ReactNode } from "react";
import { cx } from "../class-names.ts";
import { KindIcon, StateIcon } from "../kinds.tsx";
import { COLOUR, STATE_ACCENT } from "../tones.ts";
import { visible } from "../visible.ts";
import type { DrawnNode } from "./drawing.ts";

/** A node on the canvas. */
export type CanvasNode = Node<{ readonly drawn: DrawnNode }, "card" | "frame">;

/** What does one thing. */
export const GraphNodeCard = memo(function GraphNodeCard(props: NodeProps<CanvasNode>): ReactNode {
  const { selected } = props;
  const { drawn } = props.data;
  return (
    <div className={cx("flex size-full overflow-hidden rounded-lg border bg-ground-1 text-start", edge(drawn, selected))}>
      <span aria-hidden className="w-1 shrink-0" style={{ background: accentOf(drawn) }} />
      <div className="flex min-w-0 grow flex-col justify-center gap-0.5 px-2.5">
        <Title node={drawn} />
        <p className="truncate text-[11px] text-ink-3" dir="auto" title={drawn.problem ?? drawn.detail}>
          {drawn.progress ?? drawn.detail ?? drawn.kind}
        </p>
      </div>
      <Handles {...props} />
    </div>
  );
});

/** What has others inside. */
export const GraphFrame = memo(function GraphFrame(props: NodeProps<CanvasNode>): ReactNode {
  const { selected } = props;
  const { drawn } = props.data;
  return (
    <div className={cx("size-full rounded-xl border border-dashed bg-ground-2/50 text-start", edge(drawn, selected))}>
      <div className="flex h-9 items-center gap-2 px-3">
        <div className="min-w-0 grow">
          <Title node={drawn} />
        </div>
        <span className="truncate text-[11px] text-ink-3" dir="auto">
          {drawn.progress ?? drawn.detail}
        </span>
      </div>
      <Handles {...props} />
    </div>
  );
});

function Title({ node: { kind, title, state, problem } }: { readonly node: DrawnNode }): ReactNode {
  return (
    <p className="flex items-center gap-1.5 text-[12px] font-medium text-ink">
      <KindIcon kind={kind} />
      <span className="sr-only">{kind}</span>
      <span className="min-w-0 grow truncate" dir="auto" title={visible(title)}>
        {visible(title)}
      </span>
      {problem !== undefined && (
        <>
          <TriangleAlert aria-hidden className="size-3.5 shrink-0 text-red" />
          <span className="sr-only">{problem}</span>
        </>
      )}
      {state !== undefined && <StateIcon state={state} />}
    </p>
  );
}

function Handles({ isConnectable, sourcePosition, targetPosition }: NodeProps<CanvasNode>): ReactNode {
  const look = isConnectable ? "size-2.5 rounded-full border border-line-strong" : "opacity-0 pointer-events-none";
  return (
    <>
      {targetPosition !== undefined && <Handle type="target" position={targetPosition} className={look} />}
      {sourcePosition !== undefined && <Handle type="source" position={sourcePosition} className={look} />}
    </>
  );
}

function edge({ isOnPath, problem }: DrawnNode, isSelected: boolean): string {
  if (isSelected) return "border-blue ring-2 ring-blue/40";
  if (problem !== undefined) return "border-red";
  return isOnPath === true ? "border-orange" : "border-line-strong";
}

function accentOf({ state }: DrawnNode): string {
  return state === undefined ? "var(--line-strong)" : COLOUR[STATE_ACCENT[state]];
}

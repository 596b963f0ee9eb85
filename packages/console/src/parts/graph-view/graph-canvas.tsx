import "@xyflow/react/dist/base.css";
import {
  Background,
  MarkerType,
  MiniMap,
  Panel,
  Position,
  ReactFlow,
  useReactFlow,
  type Connection,
  type Edge,
  type NodeChange,
  type OnMove,
  type ReactFlowInstance,
  type Viewport,
} from "@xyflow/react";
import { Maximize, Minus, Plus } from "lucide-react";
import {
  useEffect,
  useEffectEvent,
  useMemo,
  useRef,
  useState,
  type CSSProperties,
  type KeyboardEvent,
  type ReactNode,
  type RefObject,
} from "react";
import { useMotionAllowed } from "../../appearance.ts";
import { Button, IconButton } from "../button.tsx";
import { COLOUR, STATE_ACCENT } from "../tones.ts";
import { useSize, type Size } from "../use-size.ts";
import { several } from "../words.ts";
import type { Drawing, DrawnEdge, DrawnNode } from "./drawing.ts";
import { directionIn, firstView } from "./first-view.ts";
import { GraphFrame, GraphNodeCard, type CanvasNode } from "./graph-node.tsx";
import { layoutOf, type Direction, type Placed } from "./layout.ts";

/** What can be changed in a picture. */
interface GraphEditing {
  readonly onConnect: (from: string, to: string) => void;
  readonly onRemove: (removed: { readonly nodes: readonly string[]; readonly edges: readonly string[] }) => void;
}

/** A picture, what is selected in it, and what a person can do with it. */
export interface GraphCanvasProps {
  readonly label: string;
  /** Keep it the same object while it is the same: a new one is laid out anew. */
  readonly drawing: Drawing;
  /** Left out, the shape of the frame decides. */
  readonly direction?: Direction;
  /** The id of a node or an edge. */
  readonly selected?: string | undefined;
  /** The ids of nodes that are selected together with it. */
  readonly alsoSelected?: ReadonlySet<string>;
  readonly onSelect?: (id: string | undefined) => void;
  /** A node was clicked with Shift, Control or Command held. */
  readonly onToggle?: (id: string) => void;
  readonly onOpen?: (id: string) => void;
  /** Left out, the picture is to be looked at only. */
  readonly editing?: GraphEditing | undefined;
}

const NODE_TYPES = { card: GraphNodeCard, frame: GraphFrame };
const FIT = { padding: 0.12, maxZoom: 1.1 } as const;
/** Pictures of more nodes get a small one beside them, as do those that are shown in part. */
const LARGE = 40;
/** Pictures of more nodes draw only what is in sight. */
const HUGE = 160;
const MINIMAP = { width: 150, height: 100 } as const;
/** Until its frame is known, nothing is drawn. */
const NO_FRAME: Size = { width: 0, height: 0 };
const LOOKS: Readonly<Record<DrawnEdge["look"], string>> = { plain: "var(--line-strong)", error: "var(--red)", path: "var(--orange)" };
const COLOURS = {
  "--xy-background-color": "transparent",
  "--xy-background-pattern-color": "var(--line)",
  "--xy-edge-stroke": "var(--line-strong)",
  "--xy-edge-stroke-selected": "var(--blue)",
  "--xy-edge-label-color": "var(--ink-2)",
  "--xy-edge-label-background-color": "var(--ground-1)",
  "--xy-connectionline-stroke": "var(--blue)",
  "--xy-minimap-background-color": "var(--ground-2)",
  "--xy-minimap-mask-background-color": "var(--shade)",
  "--xy-handle-background-color": "var(--line-strong)",
} as CSSProperties;

/** The picture itself. Wheel and drag move it; Tab goes from node to node, Enter selects. */
export function GraphCanvas(props: GraphCanvasProps): ReactNode {
  const { label, onToggle } = props;
  const { element, size } = useSize<HTMLDivElement>(NO_FRAME);
  const flow = useRef<ReactFlowInstance<CanvasNode>>(null);
  const isAdding = useRef(false);
  const onKeyDown = useZoomKeys(flow);
  return (
    <div className="relative size-full min-h-72 overflow-hidden rounded-lg border border-line bg-ground" role="group" aria-label={label}>
      {/* The keys and clicks are those of what is inside: nodes and edges have the focus. */}
      <div
        ref={element}
        role="presentation"
        dir="ltr"
        className="size-full"
        onKeyDown={onKeyDown}
        onPointerDownCapture={(event) => {
          isAdding.current = onToggle !== undefined && isBesides(event);
        }}
      >
        {size.width > 0 && <Drawn {...props} {...{ flow, isAdding }} frame={size} onReady={(made) => (flow.current = made)} />}
      </div>
    </div>
  );
}

interface DrawnProps extends GraphCanvasProps {
  readonly flow: RefObject<ReactFlowInstance<CanvasNode> | null>;
  /** Whether what is being clicked is selected besides what is. */
  readonly isAdding: RefObject<boolean>;
  readonly onReady: (flow: ReactFlowInstance<CanvasNode>) => void;
  readonly frame: Size;
}

function Drawn(props: DrawnProps): ReactNode {
  const { label, drawing, frame, direction = directionIn(frame), selected, isAdding, onReady, onSelect, onToggle, onOpen, editing } = props;
  const places = useMemo(() => layoutOf(drawing, direction), [drawing, direction]);
  const nodes = useNodes({ ...props, direction, places });
  const edges = useMemo(() => drawing.edges.map((edge) => edgeOf(edge, selected)), [drawing, selected]);
  const { viewport, isPart, onMove } = useFirstView({ ...props, direction, places });
  const onNodesChange = (changes: readonly NodeChange<CanvasNode>[]): void => {
    const chosen = changes.find((change) => change.type === "select" && change.selected);
    // Who clicks with Shift held adds to what is selected, which is told by the click itself.
    if (chosen?.type === "select" && !isAdding.current) onSelect?.(chosen.id);
  };
  return (
    <ReactFlow<CanvasNode>
      nodes={nodes}
      edges={edges}
      nodeTypes={NODE_TYPES}
      style={COLOURS}
      defaultViewport={viewport}
      minZoom={0.05}
      maxZoom={2}
      nodesDraggable={false}
      nodesConnectable={editing !== undefined}
      edgesFocusable={editing !== undefined}
      deleteKeyCode={editing === undefined ? null : ["Delete", "Backspace"]}
      onlyRenderVisibleElements={drawing.nodes.length > HUGE}
      proOptions={{ hideAttribution: true }}
      onInit={onReady}
      onMoveEnd={onMove}
      onNodesChange={onNodesChange}
      onPaneClick={() => onSelect?.(undefined)}
      onNodeClick={(event, { id }) => isBesides(event) && onToggle?.(id)}
      selectionKeyCode={null}
      onEdgeClick={(_, { id }) => onSelect?.(id)}
      onNodeDoubleClick={(_, { id }) => onOpen?.(id)}
      onConnect={({ source, target }: Connection) => editing?.onConnect(source, target)}
      onDelete={(removed) => editing?.onRemove({ nodes: removed.nodes.map(({ id }) => id), edges: removed.edges.map(({ id }) => id) })}
    >
      <Background gap={20} size={1} />
      {(isPart || drawing.nodes.length > LARGE) && (
        <MiniMap nodeColor={minimapColour} ariaLabel={`${label}, small`} style={MINIMAP} className="max-sm:hidden" pannable zoomable />
      )}
      <Buttons />
      {isPart && <PartHint nodes={drawing.nodes.length} />}
    </ReactFlow>
  );
}

type Laid = DrawnProps & { readonly direction: Direction; readonly places: ReadonlyMap<string, Placed> };

function useNodes({ drawing, places, direction, selected, alsoSelected }: Laid): CanvasNode[] {
  return useMemo(() => {
    const frames = new Set(drawing.nodes.map(({ parentId }) => parentId));
    return drawing.nodes.map((node) =>
      nodeOf({ node, places, frames, direction, isSelected: node.id === selected || alsoSelected?.has(node.id) === true }),
    );
  }, [drawing, places, direction, selected, alsoSelected]);
}

interface Viewed {
  readonly viewport: Viewport;
  /** The picture is shown in part, and nobody has moved it yet. */
  readonly isPart: boolean;
  readonly onMove: OnMove;
}

/** Goes to the beginning of a picture when it is another one, leads another way or has another frame, until whoever looks at it has moved it. */
function useFirstView({ drawing, direction, places, frame, flow }: Laid): Viewed {
  const first = firstView({ drawing, places, direction, frame });
  const shape = `${direction}\n${drawing.nodes.map(({ id }) => id).join("\n")}`;
  const [movedIn, setMovedIn] = useState<string>();
  const show = useEffectEvent(() => {
    if (movedIn !== shape) void flow.current?.setViewport(first);
  });
  useEffect(() => show(), [shape, frame]);
  return {
    viewport: first,
    isPart: !first.isWhole && movedIn !== shape,
    onMove(_, { x, y }): void {
      if (x !== first.x || y !== first.y) setMovedIn(shape);
    },
  };
}

/** Says that there is more than is in sight, until somebody has moved it. */
function PartHint({ nodes }: { readonly nodes: number }): ReactNode {
  const { fitView } = useReactFlow();
  const duration = useMotionAllowed() ? 150 : 0;
  return (
    <Panel
      position="top-right"
      className="flex flex-wrap items-center gap-2 rounded-md border border-line bg-ground-1 py-1 ps-2.5 pe-1 text-[12px] text-ink-2"
    >
      The beginning of {several(nodes, "node")}
      <span className="max-sm:hidden">: drag to see more.</span>
      <Button tone="quiet" onClick={() => void fitView({ ...FIT, duration })}>
        Show all of it
      </Button>
    </Panel>
  );
}

interface Held {
  readonly shiftKey: boolean;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
}

/** Whether what is clicked should be selected besides what is. */
function isBesides({ shiftKey, ctrlKey, metaKey }: Held): boolean {
  return shiftKey || ctrlKey || metaKey;
}

/** Plus and minus come nearer and go away, 0 shows all of it, for whoever has the keyboard in the picture. */
function useZoomKeys(flow: RefObject<ReactFlowInstance<CanvasNode> | null>): (event: KeyboardEvent) => void {
  const duration = useMotionAllowed() ? 150 : 0;
  return (event) => {
    if (event.ctrlKey || event.metaKey || event.target instanceof HTMLInputElement) return;
    if (event.key === "+" || event.key === "=") void flow.current?.zoomIn({ duration });
    else if (event.key === "-") void flow.current?.zoomOut({ duration });
    else if (event.key === "0") void flow.current?.fitView({ ...FIT, duration });
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
}

function Buttons(): ReactNode {
  const { zoomIn, zoomOut, fitView } = useReactFlow();
  const duration = useMotionAllowed() ? 150 : 0;
  return (
    <Panel position="bottom-left" className="flex gap-0.5 rounded-md border border-line bg-ground-1">
      <IconButton label="Zoom in" onClick={() => void zoomIn({ duration })}>
        <Plus aria-hidden className="size-3.5" />
      </IconButton>
      <IconButton label="Zoom out" onClick={() => void zoomOut({ duration })}>
        <Minus aria-hidden className="size-3.5" />
      </IconButton>
      <IconButton label="Show all of it" onClick={() => void fitView({ ...FIT, duration })}>
        <Maximize aria-hidden className="size-3.5" />
      </IconButton>
    </Panel>
  );
}

function minimapColour({ data: { drawn } }: CanvasNode): string {
  return COLOUR[drawn.state === undefined ? "grey" : STATE_ACCENT[drawn.state]];
}

interface NodeParts {
  readonly node: DrawnNode;
  readonly places: ReadonlyMap<string, Placed>;
  /** The nodes that have others inside. */
  readonly frames: ReadonlySet<string | undefined>;
  readonly direction: Direction;
  readonly isSelected: boolean;
}

const NOWHERE: Placed = { x: 0, y: 0, width: 0, height: 0 };

/** Sizes and handles are told, so that nothing is measured and edges are there at once. */
function nodeOf({ node, places, frames, direction, isSelected }: NodeParts): CanvasNode {
  const { x, y, width, height } = places.get(node.id) ?? NOWHERE;
  const isAcross = direction === "across";
  const [first, last] = isAcross ? [Position.Left, Position.Right] : [Position.Top, Position.Bottom];
  const at = isAcross ? { y: height / 2 } : { x: width / 2 };
  return {
    id: node.id,
    type: frames.has(node.id) ? "frame" : "card",
    position: { x, y },
    width,
    height,
    measured: { width, height },
    handles: [
      { type: "target", position: first, x: 0, y: 0, width: 1, height: 1, ...at },
      { type: "source", position: last, x: width, y: height, width: 1, height: 1, ...at },
    ],
    ...(node.parentId !== undefined && { parentId: node.parentId }),
    selected: isSelected,
    sourcePosition: last,
    targetPosition: first,
    ariaRole: "button",
    data: { drawn: node },
  };
}

function edgeOf({ id, from, to, label, look }: DrawnEdge, selected: string | undefined): Edge {
  const isSelected = id === selected;
  const stroke = isSelected ? "var(--blue)" : LOOKS[look];
  return {
    id,
    source: from,
    target: to,
    type: "smoothstep",
    selected: isSelected,
    style: { stroke, strokeWidth: look === "path" || isSelected ? 2 : 1.25, ...(look === "error" && { strokeDasharray: "5 4" }) },
    markerEnd: { type: MarkerType.ArrowClosed, color: stroke, width: 16, height: 16 },
    ariaLabel: `from ${from} to ${to}${label === undefined ? "" : `, ${label}`}`,
    ...(label !== undefined && { label: short(label), labelStyle: { fill: "var(--ink-2)", fontSize: 10 } }),
    labelBgStyle: { fill: "var(--ground-1)" },
    labelBgPadding: [4, 2],
  };
}

const LABEL_LENGTH_MAX = 28;

function short(label: string): string {
  return label.length <= LABEL_LENGTH_MAX ? label : `${label.slice(0, LABEL_LENGTH_MAX - 1)}…`;
}

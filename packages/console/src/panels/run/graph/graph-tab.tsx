import { useQuery } from "@tanstack/react-query";
import type { Event } from "@tutti/core";
import { readGraphRun, type GraphReading } from "@tutti/core/graph";
import type { RunReading } from "@tutti/core/insight";
import { Pencil } from "lucide-react";
import { Suspense, useMemo, useState, type ReactNode } from "react";
import { lateWindow } from "../../../late.tsx";
import { Button } from "../../../parts/button.tsx";
import { drawGraph } from "../../../parts/graph-view/drawing.ts";
import { GraphView } from "../../../parts/graph-view/graph-view.tsx";
import { Failure, Loading } from "../../../parts/states.tsx";
import { several } from "../../../parts/words.ts";
import { graphQuery } from "../queries.ts";
import type { RunFacts } from "../run-facts.ts";
import { spansOf } from "../timeline/rows.ts";
import type { Address } from "../use-address.ts";
import { useCalm } from "../use-calm.ts";
import { Amendments } from "./amendments.tsx";
import { drawSteps } from "./draw-steps.ts";
import { isGraphRun } from "./is-graph-run.ts";

const AmendWindow = lateWindow(() => import("./amend-window.tsx"), "AmendWindow");

interface GraphTabProps {
  readonly events: readonly Event[];
  readonly reading: RunReading;
  readonly facts: RunFacts;
  readonly address: Address;
}

/** What follows what in the run: its graph and where each node stands, or, of a workflow in code, the steps that it took. */
export function GraphTab({ events, reading, facts, address }: GraphTabProps): ReactNode {
  const local = useMemo(() => readGraphRun(events), [events]);
  const isGraph = isGraphRun(facts.workflow, events);
  // A large graph does not stand in the log itself; then the server reads it.
  const far = useQuery({
    ...graphQuery(facts.runId, useCalm(events.length)),
    enabled: isGraph && local === undefined,
    placeholderData: (before) => before,
  });
  const graph = local ?? far.data;
  if (graph !== undefined) return <GraphRun {...{ graph, reading, facts, address }} />;
  if (isGraph) return far.error === null ? <Loading lines={6} /> : <Failure error={far.error} onRetry={() => far.refetch()} />;
  return <CodeRun {...{ reading, address }} />;
}

type GraphRunProps = Omit<GraphTabProps, "events"> & { readonly graph: GraphReading };

function GraphRun({ graph, reading, facts, address }: GraphRunProps): ReactNode {
  const drawing = useMemo(() => drawGraph(graph.graph, graph.nodes), [graph]);
  const [isAmending, setAmending] = useState(false);
  const [selected, setSelected] = useState<string>();
  const canAmend = !facts.hasEnded;
  const isAsked = address.search["do"] === "amend";
  // A run that ends meanwhile leaves the window open: what somebody has written in it is not lost.
  if (isAsked !== isAmending && (canAmend || !isAsked)) setAmending(isAsked);
  const open = (id: string): void => {
    const span = spansOf(reading).find(({ name }) => name.replaceAll(/\[\d*\]/g, "").split(":")[0] === id);
    if (span !== undefined) address.change({ tab: undefined, span: span.key }, "push");
  };
  return (
    <div className="flex h-full min-h-[30rem] flex-col gap-3">
      <div className="flex flex-wrap items-center gap-2">
        <p className="grow text-xs text-ink-3">
          <bdi>{graph.graph.name}</bdi>, {several(drawing.nodes.length, "node")}. Select a node to see it; open it to go to its step.
        </p>
        {selected !== undefined && <Button onClick={() => open(selected)}>Show its step</Button>}
        {canAmend && (
          <Button onClick={() => address.change({ do: "amend" })}>
            <Pencil aria-hidden className="size-3.5" />
            Amend
          </Button>
        )}
      </div>
      <div className="min-h-80 grow">
        <GraphView label={`Graph ${graph.graph.name}`} drawing={drawing} selected={selected} onSelect={setSelected} onOpen={open} />
      </div>
      <Amendments amendments={graph.amendments} />
      {isAmending && (
        <Suspense fallback={null}>
          <AmendWindow runId={facts.runId} reading={graph} onClose={() => address.change({ do: undefined })} />
        </Suspense>
      )}
    </div>
  );
}

const NONE: ReadonlySet<string> = new Set();

function CodeRun({ reading, address }: Pick<GraphTabProps, "reading" | "address">): ReactNode {
  const [open, setOpen] = useState(NONE);
  const [selected, setSelected] = useState<string>();
  const { drawing, left } = useMemo(() => drawSteps(reading, open), [reading, open]);
  const spans = useMemo(() => spansOf(reading), [reading]);
  const group =
    selected === undefined
      ? undefined
      : spans.filter(({ kind, name, key }) => `${kind} ${name}` === selected || `${kind} ${name} ${key}` === selected);
  const show = (id: string): void => {
    const many = spans.filter(({ kind, name }) => `${kind} ${name}` === id);
    const single = many.length === 1 ? many[0] : spans.find(({ kind, name, key }) => `${kind} ${name} ${key}` === id);
    if (single === undefined) setOpen((before) => before.union(new Set([id])));
    else address.change({ tab: undefined, span: single.key }, "push");
  };
  const [first] = group ?? [];
  return (
    <div className="flex h-full min-h-[30rem] flex-col gap-3">
      <div className="flex flex-wrap items-center gap-2">
        <p className="grow text-xs text-ink-3">
          Steps of one name are one node; orange lies on the critical path. {left > 0 && `${left} more are not drawn.`}
        </p>
        {selected !== undefined && (
          <Button onClick={() => show(selected)}>
            {group !== undefined && group.length > 1 ? `Show all ${group.length} apart` : "Show its step"}
          </Button>
        )}
        {selected !== undefined && first !== undefined && group !== undefined && group.length > 1 && (
          <Button onClick={() => address.change({ tab: undefined, find: first.name }, "push")}>Show them on the timeline</Button>
        )}
        {open.size > 0 && <Button onClick={() => setOpen(NONE)}>Put steps together again</Button>}
      </div>
      <div className="min-h-80 grow">
        <GraphView label="Steps of the run" drawing={drawing} selected={selected} onSelect={setSelected} onOpen={show} />
      </div>
    </div>
  );
}

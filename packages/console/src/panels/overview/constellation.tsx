import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import type { RunRecord } from "@tutti/core";
import { lazy, Suspense, useMemo, useState, type ReactNode } from "react";
import { useMotionAllowed } from "../../appearance.ts";
import { useLive } from "../../feed.ts";
import { Panel } from "../../parts/page.tsx";
import { COLOUR } from "../../parts/tones.ts";
import { agentsQuery, modelsQuery, toolsQuery, workflowsQuery } from "../../queries.ts";
import { canDrawDepth } from "../../scenes/can-draw-depth.ts";
import { FlatSky } from "../../scenes/flat-sky.tsx";
import { BODY_ACCENT } from "../../scenes/looks.ts";
import { skyOf, type Body, type BodyKind } from "../../scenes/sky.ts";
import { client } from "../../server.ts";

const SceneSky = lazy(() => import("../../scenes/scene-sky.tsx").then((module) => ({ default: module.SceneSky })));

const UNDER_WAY: readonly RunRecord["status"][] = ["queued", "running", "waiting", "paused"];
const RUNS_MAX = 200;
const KINDS: readonly BodyKind[] = ["agent", "model", "tool", "workflow"];

/** Agents, models, tools and workflows, and the runs around them, as they come and go. */
export function Constellation(): ReactNode {
  const sky = useSky();
  const isDeep = useDepth();
  const navigate = useNavigate();
  const [pointed, setPointed] = useState<Body | null>(null);
  const open = ({ kind, name }: Body): void => {
    if (kind === "agent") void navigate({ to: "/agents/$name", params: { name } });
    else if (kind === "workflow") void navigate({ to: "/workflows/$name", params: { name } });
    else void navigate({ to: "/settings/$section", params: { section: kind === "model" ? "models" : "policy" } });
  };
  const counts = KINDS.map((kind) => ({ kind, count: sky.bodies.filter((body) => body.kind === kind).length }));
  return (
    <Panel title="Constellation">
      <div className="relative h-80">
        <Suspense fallback={<FlatSky sky={sky} />}>
          {isDeep ? <SceneSky sky={sky} onPoint={setPointed} onOpen={open} /> : <FlatSky sky={sky} />}
        </Suspense>
        {pointed !== null && (
          <p className="pointer-events-none absolute start-2 top-2 rounded-md border border-line bg-ground-2 px-2 py-1 text-xs" dir="auto">
            {pointed.kind} <b>{pointed.name}</b>
          </p>
        )}
      </div>
      <ul className="flex flex-wrap gap-x-5 gap-y-1 text-xs text-ink-2">
        {counts.map(({ kind, count }) => (
          <li key={kind} className="flex items-center gap-1.5">
            <span aria-hidden className="size-2 rounded-full" style={{ background: COLOUR[BODY_ACCENT[kind]] }} />
            {count} {count === 1 ? kind : `${kind}s`}
          </li>
        ))}
        <li>{sky.sparks.length} runs under way</li>
      </ul>
    </Panel>
  );
}

/** In depth where the hardware draws it and nobody asked for stillness; "?scene=3d" and "?scene=2d" say which. */
function useDepth(): boolean {
  const { scene } = useSearch({ from: "/" });
  const mayMove = useMotionAllowed();
  if (scene !== undefined) return scene === "3d";
  return mayMove && canDrawDepth();
}

function useSky(): ReturnType<typeof skyOf> {
  const { data: agents } = useQuery(agentsQuery);
  const { data: models } = useQuery(modelsQuery);
  const { data: tools } = useQuery(toolsQuery);
  const { data: workflows } = useQuery(workflowsQuery);
  const runs = useRunsUnderWay();
  return useMemo(
    () =>
      skyOf({
        agents: (agents ?? []).map(({ name, model, tools: uses }) => ({ name, uses: [model, ...uses] })),
        models: (models ?? []).filter(({ owned_by }) => owned_by !== "tutti").map(({ id }) => id),
        tools: (tools ?? []).map(({ name }) => name),
        workflows: (workflows ?? []).map(({ name }) => name),
        runs,
      }),
    [agents, models, tools, workflows, runs],
  );
}

function useRunsUnderWay(): readonly RunRecord[] {
  const [runs, setRuns] = useState<ReadonlyMap<string, RunRecord>>(new Map());
  useLive(
    { topic: "runs", filter: { statuses: UNDER_WAY } },
    {
      onStart: async () => {
        const page = await client.runs({ statuses: UNDER_WAY, limit: RUNS_MAX });
        setRuns(new Map(page.runs.map((run) => [run.id, run])));
      },
      onData: ({ runs: changed, left }) =>
        setRuns((known) => {
          const next = new Map(known);
          for (const id of left) next.delete(id);
          for (const run of changed) if (next.has(run.id) || next.size < RUNS_MAX) next.set(run.id, run);
          return next;
        }),
    },
  );
  return useMemo(() => [...runs.values()], [runs]);
}

import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import type { RunRecord } from "@tutti/core";
import { Suspense, useMemo, useState, type ReactNode } from "react";
import { useMotionAllowed } from "../../appearance.ts";
import { useLive } from "../../feed.ts";
import { useKeptState } from "../../kept-state.ts";
import { lateInstead } from "../../late.tsx";
import { Boundary } from "../../parts/boundary.tsx";
import { Panel } from "../../parts/page.tsx";
import { useRoving } from "../../parts/roving.ts";
import { COLOUR } from "../../parts/tones.ts";
import { agentsQuery, modelsQuery, toolsQuery, workflowsQuery } from "../../queries.ts";
import type { SceneProps } from "../../scenes/scene-sky.tsx";
import { addressOf, BodyLink } from "../../scenes/body-link.tsx";
import { canDrawDepth } from "../../scenes/can-draw-depth.ts";
import { FlatSky } from "../../scenes/flat-sky.tsx";
import { BODY_ACCENT } from "../../scenes/looks.ts";
import { skyOf, type Body, type BodyKind, type Sky } from "../../scenes/sky.ts";
import { client } from "../../server.ts";
import { count, several } from "../../parts/words.ts";

const SceneSky = lateInstead<"SceneSky", SceneProps & { readonly meanwhile: ReactNode }>(
  () => import("../../scenes/scene-sky.tsx"),
  "SceneSky",
);

const UNDER_WAY: readonly RunRecord["status"][] = ["queued", "running", "waiting", "paused"];
/** Runs that are drawn. */
const RUNS_MAX = 200;
/** Agents and tools come and go with plugins, seldom. */
const PARTS_EVERY_MS = 30_000;
const KINDS: readonly BodyKind[] = ["agent", "model", "tool", "workflow"];

/** Agents, models, tools and workflows, and the runs around them, as they come and go. */
export function Constellation(): ReactNode {
  const sky = useSky();
  const underWay = useUnderWay(sky.sparks.length);
  const isDeep = useDepth();
  const navigate = useNavigate();
  const [pointed, setPointed] = useState<Body | null>(null);
  const open = (body: Body): void => void navigate(addressOf(body));
  const kinds = KINDS.map((kind) => ({ kind, number: sky.bodies.filter((body) => body.kind === kind).length }));
  return (
    <Panel title="Constellation">
      <div className="flex h-full flex-col gap-3">
        <div className="relative min-h-80 grow">
          {isDeep ? (
            // Whatever a device said of itself, it may have no depth to draw in.
            <Boundary fallback={<FlatSky sky={sky} />}>
              <Suspense fallback={<FlatSky sky={sky} />}>
                <SceneSky sky={sky} onPoint={setPointed} onOpen={open} meanwhile={<FlatSky sky={sky} />}>
                  <BodyLinks bodies={sky.bodies} />
                </SceneSky>
              </Suspense>
            </Boundary>
          ) : (
            <FlatSky sky={sky} />
          )}
          {pointed !== null && (
            <p
              className="pointer-events-none absolute start-2 top-2 rounded-md border border-line bg-ground-2 px-2 py-1 text-xs"
              dir="auto"
            >
              {pointed.kind} <b>{pointed.name}</b>
            </p>
          )}
        </div>
        <ul className="flex flex-wrap gap-x-5 gap-y-1 text-xs text-ink-2">
          {kinds.map(({ kind, number }) => (
            <li key={kind} className="flex items-center gap-1.5">
              <span aria-hidden className="size-2 rounded-full" style={{ background: COLOUR[BODY_ACCENT[kind]] }} />
              {several(number, kind)}
            </li>
          ))}
          <li aria-live="off">
            <Link to="/runs" search={{ status: "running,waiting,queued,paused", parent: "all" }} className="hover:text-ink hover:underline">
              {several(underWay, "run")} under way
            </Link>
            {underWay > RUNS_MAX && `, ${count(RUNS_MAX)} of them drawn`}
          </li>
        </ul>
      </div>
    </Panel>
  );
}

/** The bodies of a picture that the keyboard cannot reach: the one that has it is shown by name. */
function BodyLinks({ bodies }: { readonly bodies: readonly Body[] }): ReactNode {
  const { box, propsOf } = useRoving<HTMLUListElement>();
  return (
    <ul ref={box} aria-label="Agents, models, tools and workflows">
      {bodies.map((body, index) => (
        <li key={body.id}>
          <BodyLink
            body={body}
            {...propsOf(index)}
            className="sr-only focus-visible:not-sr-only focus-visible:absolute focus-visible:start-2 focus-visible:top-2 focus-visible:rounded-md focus-visible:border focus-visible:border-line focus-visible:bg-ground-2 focus-visible:px-2 focus-visible:py-1 focus-visible:text-xs"
          >
            {body.kind} <b>{body.name}</b>
          </BodyLink>
        </li>
      ))}
    </ul>
  );
}

/** In depth where the hardware draws it and nobody asked for stillness; "?scene=3d" and "?scene=2d" say which. */
function useDepth(): boolean {
  const { scene } = useSearch({ from: "/" });
  const mayMove = useMotionAllowed();
  if (scene !== undefined) return scene === "3d";
  return mayMove && canDrawDepth();
}

function useSky(): Sky {
  const { data: agents } = useQuery({ ...agentsQuery, refetchInterval: PARTS_EVERY_MS });
  const { data: models } = useQuery({ ...modelsQuery, refetchInterval: PARTS_EVERY_MS });
  const { data: tools } = useQuery({ ...toolsQuery, refetchInterval: PARTS_EVERY_MS });
  const { data: workflows } = useQuery({ ...workflowsQuery, refetchInterval: PARTS_EVERY_MS });
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

/** How many runs are under way, also those that are not drawn; until it is told, `drawn`. */
function useUnderWay(drawn: number): number {
  const [counted, setCounted] = useState<number>();
  useLive(
    { topic: "overview" },
    { onData: ({ runs: { queued, running, waiting, paused } }) => setCounted(queued + running + waiting + paused) },
  );
  return counted ?? drawn;
}

const NONE: ReadonlyMap<string, RunRecord> = new Map();

function useRunsUnderWay(): readonly RunRecord[] {
  const [runs, setRuns] = useKeptState<ReadonlyMap<string, RunRecord>>("runs under way", NONE);
  useLive(
    { topic: "runs", filter: { statuses: UNDER_WAY } },
    {
      onStart: async () => {
        const page = await client.runs({ statuses: UNDER_WAY, limit: RUNS_MAX });
        setRuns(() => new Map(page.runs.map((run) => [run.id, run])));
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

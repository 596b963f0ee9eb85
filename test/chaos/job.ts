import { derivedUuid } from "./random.ts";
import { canonicalJson, type Event, type Json } from "@tutti/core";
import type { ServerProcess } from "./server-process.ts";

/** How a run ended, read from the logs: of the last life of those that went on as new ones. */
export interface Ended {
  readonly end: Event;
  /** All that the run did, its children left out. */
  readonly events: readonly Event[];
}

/** A run that a client wants: it asks for it again, under the same id, for as long as it has no answer. */
export interface Job {
  readonly runId: string;
  readonly kind: string;
  /** Starts it; done again it changes nothing. */
  readonly start: (server: ServerProcess) => Promise<boolean>;
  /** What else is done to it; done again it changes nothing. */
  readonly steer?: (server: ServerProcess) => Promise<unknown>;
  /** Why its end is wrong. */
  readonly wrong: (ended: Ended) => string | undefined;
}

const GRAPH = {
  name: "chaos",
  nodes: {
    count: { type: "tool", tool: "safe_calc", input: { expression: "17 * 3" } },
    review: { type: "wait", signal: "reviewed" },
    send: { type: "transform", value: "never" },
  },
  edges: [
    { from: "count", to: "review" },
    { from: "review", to: "send" },
  ],
};
const CHANGES = [
  { do: "remove", id: "send" },
  { do: "add", id: "check", node: { type: "tool", tool: "safe_calc", input: { expression: "17 * 3 - 1" } } },
  { do: "connect", edge: { from: "review", to: "check" } },
  { do: "add", id: "corrected", node: { type: "transform", value: "It is ${ nodes.check.output.result }." } },
  { do: "connect", edge: { from: "check", to: "corrected" } },
];

/** The n-th run of a test with a seed; kinds take turns. */
export function jobOf(seed: string, n: number): Job {
  const runId = derivedUuid(`${seed}/${n}`);
  const path = `/v1/runs/${runId}`;
  const started = (workflow: string, input: Json, more: { readonly [key: string]: Json } = {}): Job["start"] => {
    return async (server) => (await server.post("/v1/runs", { workflow, input, runId, ...more }))?.status === 201;
  };
  const signalled = (server: ServerProcess, name: string, value: Json): Promise<unknown> =>
    server.post(`${path}/signals/${name}`, { value, id: `${runId}/${name}` });
  const job = (kind: string, start: Job["start"], rest: Pick<Job, "wrong" | "steer">): Job => ({ runId, kind, start, ...rest });
  const jobs: readonly (() => Job)[] = [
    () => job("steps", started("chaos", n), { wrong: outputIs(stepsOutput(n)) }),
    () => job("retries", started("chaos-retries", n), { wrong: outputIs([n, "not_found"]) }),
    () =>
      job("signals", started("chaos-signals", null), {
        steer: (server) => Promise.all([signalled(server, "two", n + 1), signalled(server, "one", n)]),
        wrong: outputIs([n, n + 1]),
      }),
    () =>
      job("approval", started("chaos-approval", n), {
        steer: (server) => server.post(`${path}/approvals/0`, { approved: true, reason: "it is" }),
        wrong: outputIs(true),
      }),
    () =>
      job("others", started("chaos-others", n), {
        wrong: outputIs([
          [
            ["one", n],
            ["two", n],
          ],
          true,
          true,
          true,
        ]),
      }),
    () => job("saga", started("chaos-saga", null), { wrong: (ended) => failedWith("not_found")(ended) ?? notUndone(ended) }),
    () => job("lives", started("chaos-lives", { life: 1, sum: n }), { wrong: outputIs(n + 6) }),
    () => job("queued", started("chaos-queued", n, { queue: { queue: "narrow", key: `key ${n % 3}` } }), { wrong: outputIs(n) }),
    () =>
      job("cancelled", started("chaos-cancelled", null), {
        steer: (server) => (Math.random() < 0.3 ? server.post(`${path}/cancel`, { reason: "enough" }) : Promise.resolve()),
        wrong: (ended) => (ended.end.type === "run.cancelled" ? notUndone(ended) : outputIs("went through")(ended)),
      }),
    () => job("parked", started("chaos-parked", n), { wrong: outputIs(n) }),
    () =>
      job("graph", async (server) => (await server.post("/v1/graphs/runs", { graph: GRAPH, runId }))?.status === 201, {
        steer: async (server) => {
          const amended = await server.post(`${path}/graph`, { changes: CHANGES });
          // A second time the changes are refused: what they add is there.
          if (amended?.status === 200 || amended?.status === 409) await signalled(server, "reviewed", null);
        },
        wrong: outputIs("It is 50."),
      }),
  ];
  const make = jobs[n % jobs.length] ?? jobs[0];
  if (make === undefined) throw new Error("there are no jobs");
  return make();
}

const outputIs =
  (output: Json) =>
  ({ end }: Ended): string | undefined =>
    end.type === "run.completed" && canonicalJson(end.output) === canonicalJson(output)
      ? undefined
      : `wanted ${JSON.stringify(output)}, got ${JSON.stringify(end)}`;

const failedWith =
  (code: string) =>
  ({ end }: Ended): string | undefined =>
    end.type === "run.failed" && end.code === code ? undefined : `wanted a failure with ${code}, got ${JSON.stringify(end)}`;

/** Every step that was done is taken back, once, last first. */
function notUndone({ events }: Ended): string | undefined {
  const names = (kind: string): readonly string[] =>
    events.flatMap((event) => (event.type === "step.completed" && event.kind === kind ? [event.name] : []));
  const [done, undone] = [names("step").toReversed().join(", "), names("undo").join(", ")];
  return done === undone ? undefined : `did ${done} and took back ${undone}`;
}

function stepsOutput(n: number): Json {
  let sum = n;
  for (let index = 0; index < 3; index += 1) sum += sum + index;
  const calc = { exact: true, expression: `${n} * 7`, result: String(n * 7), text: `${n} * 7 = ${n * 7}` };
  return { sum, branches: [n + 1, n * 2 + 2], mapped: [n, n * 2, n * 3, n * 4], calc, child: [n, n + 1], large: 70_000 };
}

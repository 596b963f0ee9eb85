import type {
  Action,
  Decision,
  Engine,
  Event,
  Json,
  Model,
  Principal,
  QueueConfig,
  RunContext,
  Schema,
  Tool,
  Wait,
  Workflow,
} from "@tutti/core";
import type { EngineParts } from "../effects.ts";

/** An engine under test over a store that survives `reopen`, which stops the engine and opens a new one with other workflows. */
export interface EngineUnderTest extends AsyncDisposable {
  readonly engine: Engine;
  events(runId: string): Promise<readonly Event[]>;
  waits(runId: string): Promise<readonly Wait[]>;
  reopen(setup: Setup): Promise<EngineUnderTest>;
}

/** What the engine finds when it looks things up. */
export interface Setup {
  readonly workflows: readonly Workflow[];
  readonly tools?: readonly Tool[];
  readonly models?: readonly Model[];
  readonly queues?: readonly QueueConfig[];
  /** What a call to any model costs. */
  readonly costUsd?: number;
  readonly decide?: (kind: string, resource: string, action: Action) => Decision;
}

/** What an engine under test works with. */
export function partsOf(setup: Setup): EngineParts {
  return {
    workflow: (name, version) => setup.workflows.findLast((known) => known.name === name && (version ?? known.version) === known.version),
    tool: (name) => setup.tools?.find((tool) => tool.name === name),
    model: (id) => setup.models?.find((model) => model.id === id),
    costUsd: () => Promise.resolve(setup.costUsd),
    decide: (action) => setup.decide?.(action.kind, action.resource, action) ?? { effect: "allow", reason: "a test", rule: "test" },
    policyHash: () => "0".repeat(64),
  };
}

/** Makes an engine over an empty store. */
export type Open = (setup: Setup) => Promise<EngineUnderTest>;

export const anything: Schema<Json> = { "~standard": { validate: (value: unknown) => ({ value }) } };

export const owner: Principal = { id: "owner", tenant: "default", roles: ["owner"] };
export const never = new AbortController().signal;

/** A workflow that takes anything. */
export const flow = (name: string, run: (ctx: RunContext, input: Json) => Promise<Json>, more: Partial<Workflow> = {}): Workflow => ({
  name,
  version: "1",
  input: anything,
  run,
  ...more,
});

export const types = (events: readonly Event[]): readonly string[] => events.map(({ type }) => type);

/** The run's first wait of a kind, once it is there. */
export async function waitFor(under: EngineUnderTest, runId: string, kind: Wait["kind"]): Promise<Wait> {
  for (;;) {
    const wait = (await under.waits(runId)).find((candidate) => candidate.kind === kind);
    if (wait !== undefined) return wait;
    await nextEvent(under.engine, runId);
  }
}

/** Resolves after the run's next event, or soon: it may have come before anybody listened. */
async function nextEvent(engine: Engine, runId: string): Promise<void> {
  const came = Promise.withResolvers<void>();
  using _ = engine.subscribe((event) => event.runId === runId && came.resolve());
  const timer = setTimeout(came.resolve, 20);
  await came.promise;
  clearTimeout(timer);
}

/** Runs a workflow to its end and returns its id and output. */
export async function runToEnd(
  { engine }: EngineUnderTest,
  workflow: string,
  input: Json = null,
): Promise<{ readonly runId: string; readonly output: Json }> {
  const { runId } = await engine.start(workflow, input, { principal: owner });
  return { runId, output: await engine.result(runId, never) };
}

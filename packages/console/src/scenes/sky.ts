/** What a body of the constellation is. */
export type BodyKind = "agent" | "model" | "tool" | "workflow";

/** Something that is there: an agent, a model, a tool or a workflow. Places are in units of the scene, the middle is 0. */
export interface Body {
  readonly id: string;
  readonly kind: BodyKind;
  readonly name: string;
  readonly place: readonly [x: number, y: number, z: number];
}

/** A run under way, beside what runs. */
interface Spark {
  readonly id: string;
  readonly bodyId: string;
  readonly status: string;
}

/** Everything in the sky, and what belongs together. */
export interface Sky {
  readonly bodies: readonly Body[];
  readonly ties: readonly (readonly [from: string, to: string])[];
  readonly sparks: readonly Spark[];
}

/** What is known of the parts; `uses` names models and tools. */
export interface SkyParts {
  readonly agents: readonly { readonly name: string; readonly uses: readonly string[] }[];
  readonly models: readonly string[];
  readonly tools: readonly string[];
  readonly workflows: readonly string[];
  readonly runs: readonly { readonly id: string; readonly workflow: string; readonly status: string }[];
}

/** Bodies of one kind that are drawn. A sky of thousands says nothing. */
const DRAWN_MAX = 40;
/** Pictures are wider than high, so rings are too. */
export const WIDE = 1.3;
/** Runs that are drawn. */
const SPARKS_MAX = 200;
/** Rings: how far out, how high, and where the first one stands (radians). */
const RINGS: Readonly<Record<BodyKind, { readonly radius: number; readonly height: number; readonly turn: number }>> = {
  workflow: { radius: 2.2, height: 0, turn: 0.4 },
  agent: { radius: 3.4, height: 0.9, turn: 0 },
  model: { radius: 4.8, height: 1.6, turn: 0.9 },
  tool: { radius: 5.6, height: -1.1, turn: 0.2 },
};

/** How far out each ring is. */
export const RADII: readonly number[] = Object.values(RINGS).map(({ radius }) => radius);

/** The sky of these parts. The same parts give the same sky: nothing is left to chance, so that places can be learnt. */
export function skyOf({ agents, models, tools, workflows, runs }: SkyParts): Sky {
  const names = agents.map(({ name }) => name);
  const bodies = [
    // An agent is a workflow too; it is drawn once.
    ...ring(
      "workflow",
      workflows.filter((workflow) => !names.includes(workflow)),
    ),
    ...ring("agent", names),
    ...ring("model", models),
    ...ring("tool", tools),
  ];
  const known = new Set(bodies.map(({ id }) => id));
  const ties = agents.flatMap(({ name, uses }) =>
    uses.flatMap((used) => ["model", "tool"].map((kind) => [`agent ${name}`, `${kind} ${used}`] as const)),
  );
  const sparks = runs.map(({ id, workflow, status }) => ({ id, status, bodyId: bodyOf(workflow, known) }));
  return {
    bodies,
    ties: ties.filter(([from, to]) => known.has(from) && known.has(to)),
    sparks: sparks.filter(({ bodyId }) => known.has(bodyId)).slice(0, SPARKS_MAX),
  };
}

/** A conversation is a run of its agent, and stands beside it. */
function bodyOf(workflow: string, known: ReadonlySet<string>): string {
  const agent = `agent ${workflow}`;
  return known.has(agent) ? agent : `workflow ${workflow}`;
}

function ring(kind: BodyKind, names: readonly string[]): readonly Body[] {
  const { radius, height, turn } = RINGS[kind];
  const drawn = [...new Set(names)].slice(0, DRAWN_MAX);
  return drawn.map((name, index) => {
    const angle = turn + (index / drawn.length) * 2 * Math.PI;
    // Neighbours stand at different heights, so that their names do not lie on each other.
    const lift = height + (index % 2 === 0 ? 0.25 : -0.25);
    return { id: `${kind} ${name}`, kind, name, place: [Math.cos(angle) * radius * WIDE, lift, Math.sin(angle) * radius] };
  });
}

/** Where a run stands that circles a body: one of so many, on a small ring around it. */
export function orbit([x, y, z]: Body["place"], index: number, total: number): Body["place"] {
  const angle = (index / Math.max(1, total)) * 2 * Math.PI;
  const radius = 0.42 + 0.12 * Math.floor(index / 24);
  return [x + Math.cos(angle) * radius, y + 0.1, z + Math.sin(angle) * radius];
}

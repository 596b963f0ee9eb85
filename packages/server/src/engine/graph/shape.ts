import type { Json } from "@tutti/core";
import { GRAPH_BOUNDS } from "@tutti/core/graph";
import { z } from "zod";

const ATTEMPTS_MAX = 100;
const CONCURRENCY_MAX = 100;
const YEAR_MS = 366 * 86_400_000;

const ms = z
  .int()
  .min(1)
  .max(10 * YEAR_MS);
const id = z.string().min(1).max(64);
const text = z.string().min(1);
const expression = text.meta({ description: "an expression, as ${ … }" });

const retry = z.strictObject({
  attemptsMax: z.int().min(1).max(ATTEMPTS_MAX),
  delayMs: ms.optional(),
  delayMaxMs: ms.optional(),
  nonRetryable: z.array(text).optional(),
});

const join = z.union(
  [z.enum(["merge", "all", "any"]), z.strictObject({ quorum: z.int().min(1) })],
  'wanted "merge", "all", "any" or { quorum: n }',
);
const common = { title: text.optional(), join: join.optional(), losers: z.enum(["cancel", "leave"]).optional(), timeoutMs: ms.optional() };
const worked = { ...common, retry: retry.optional(), cache: z.strictObject({ key: z.json(), ttlMs: ms }).optional() };
const repeated = { ...common, retry: retry.optional() };

/** The shape of an edge. */
export const edgeSchema = z.strictObject({
  from: id,
  to: id,
  on: z.enum(["success", "error"]).optional(),
  codes: z.array(text).min(1).optional(),
  case: z.union([z.string(), z.boolean()]).optional(),
  when: expression.optional(),
});

const input = z.json().default({});

/** The shape of a node. What nodes, edges and expressions mean together is checked apart from it. */
export const nodeSchema = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("tool"), tool: text, input, ...worked }).meta({ description: "Calls a tool." }),
  z.strictObject({ type: z.literal("agent"), agent: text, input, ...worked }).meta({ description: "Asks an agent, as a run of its own." }),
  z
    .strictObject({ type: z.literal("workflow"), workflow: text, input, ...worked })
    .meta({ description: "Runs a workflow, as a run of its own." }),
  z
    .strictObject({ type: z.literal("model"), model: text.default("default"), system: text.optional(), prompt: text, ...worked })
    .meta({ description: "Asks a model. The output has content, finishReason and usage." }),
  z
    .strictObject({
      type: z.literal("condition"),
      if: expression.optional(),
      cases: z
        .array(z.strictObject({ case: text, when: expression }))
        .min(1)
        .optional(),
      ...common,
    })
    .meta({ description: "Chooses: `if` gives true or false; of `cases` the name of the first that holds, else otherwise." }),
  z.strictObject({ type: z.literal("transform"), value: z.json(), ...common }).meta({ description: "Makes a value." }),
  z
    .strictObject({
      type: z.literal("map"),
      items: z.json(),
      concurrency: z.int().min(1).max(CONCURRENCY_MAX).default(8),
      get do() {
        return bodySchema;
      },
      ...repeated,
    })
    .meta({ description: "Does its body for each item, some at a time. Inside, `item` and `index` are there. The output is a list." }),
  z
    .strictObject({
      type: z.literal("loop"),
      times: z.union([z.int().min(0).max(GRAPH_BOUNDS.timesMax), expression]).optional(),
      while: expression.optional(),
      timesMax: z.int().min(1).max(GRAPH_BOUNDS.timesMax).optional(),
      get do() {
        return bodySchema;
      },
      ...repeated,
    })
    .meta({
      description:
        "Does its body again and again. Inside and in `while`, `iteration` (from 0) and `last` are there. The output is the last one's.",
    }),
  z
    .strictObject({
      type: z.literal("group"),
      get do() {
        return bodySchema;
      },
      ...repeated,
    })
    .meta({ description: "Several nodes as one: with one timeout, one retry and one error." }),
  z
    .strictObject({
      type: z.literal("wait"),
      ms: z
        .union([
          z
            .int()
            .min(0)
            .max(10 * YEAR_MS),
          expression,
        ])
        .optional(),
      until: text.optional(),
      signal: text.optional(),
      event: text.optional(),
      schema: z.json().optional(),
      when: expression.optional(),
      ...common,
    })
    .meta({
      description: "Waits for some time, for a moment, for a signal or for an event; the output is the signal's value or the event.",
    }),
  z
    .strictObject({
      type: z.literal("approval"),
      question: text,
      detail: z.json().optional(),
      approvers: z.array(text).optional(),
      otherwise: z.enum(["approve", "refuse"]).optional(),
      ...common,
    })
    .meta({ description: "Asks people and waits. The output has approved, by and reason; edges tell approved and refused apart by case." }),
  z
    .strictObject({ type: z.literal("emit"), event: text, data: z.json(), key: text.optional(), ...common })
    .meta({ description: "Publishes an event." }),
  z
    .strictObject({ type: z.literal("fail"), code: text.default("conflict"), message: text, ...common })
    .meta({ description: "Fails, with a code that error edges can tell apart." }),
]);

const body = {
  get nodes() {
    return z.record(z.string(), nodeSchema);
  },
  edges: z.array(edgeSchema).default([]),
  start: z.array(id).optional(),
  output: z.json().optional(),
};

const bodySchema = z.strictObject(body);

const limits = z.strictObject({
  timeMs: ms.optional(),
  tokensMax: z.int().min(1).optional(),
  costUsdMax: z.number().positive().optional(),
});

/** What a graph says of itself, apart from its nodes and edges. */
export const headSchema = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]{0,63}$/, "wanted lower-case letters, digits and dashes, beginning with a letter"),
  version: z.union([z.string().min(1), z.number().transform(String)], 'wanted a version such as 1 or "1.2"').default("1"),
  description: z.string().optional(),
  input: z.json().optional(),
  limits: limits.optional(),
  start: z.array(id).optional(),
  output: z.json().optional(),
});

/** One change to a running graph. */
export const changeSchema = z.discriminatedUnion("do", [
  z.strictObject({ do: z.literal("add"), id, node: nodeSchema }),
  z.strictObject({ do: z.literal("remove"), id }),
  z.strictObject({ do: z.literal("replace"), id, node: nodeSchema }),
  z.strictObject({ do: z.literal("connect"), edge: edgeSchema }),
  z.strictObject({ do: z.literal("disconnect"), from: id, to: id }),
  z.strictObject({ do: z.literal("output"), output: z.json() }),
]);

const graphSchema = headSchema.extend({ ...bodySchema.shape });

/** The graph format as JSON Schema (draft 2020-12), for editors and for models that write graphs. */
export function graphJsonSchema(): Json {
  const schema = z.toJSONSchema(graphSchema, { io: "input", unrepresentable: "any" });
  return { ...(JSON.parse(JSON.stringify(schema)) as { readonly [key: string]: Json }), title: "Tutti graph" };
}

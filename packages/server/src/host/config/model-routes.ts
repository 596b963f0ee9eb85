import { ABILITIES } from "@tutti/core/wire";
import { z } from "zod";
import type { Setting } from "./setting.ts";

const NAMES_MAX = 1_000;
const TARGETS_MAX = 50;
const ALIASES_MAX = 10;

const modelName = z.string("a model's name").min(1, "a model's name").max(256, "a model's name of at most 256 characters");
const label = z.string("a name").regex(/^[\w.:-]{1,64}$/, "a name of letters, digits, dots, colons and dashes");
const tokens = z.int("a whole number of tokens").min(1, "at least 1").max(100_000_000, "at most 100000000");
const price = z.number("US dollars for a million tokens").min(0, "at least 0").max(1_000_000, "at most 1000000");
const share = z.number("a number from 0 to 1").min(0, "at least 0").max(1, "at most 1");

const target = z.preprocess(
  (raw) => (typeof raw === "string" ? { model: raw } : raw),
  z.strictObject(
    {
      model: modelName,
      weight: z.number("a number").min(0, "at least 0").max(1_000_000, "at most 1000000").default(1),
      tags: z.array(label, "a list of names").max(32).default([]),
      abilities: z.array(z.enum(ABILITIES, `one of ${ABILITIES.join(", ")}`), "a list of abilities").exactOptional(),
      contextTokens: tokens.exactOptional(),
      pin: z.string("a version").min(4, "a version of at least 4 characters").exactOptional(),
      price: z.strictObject({ inputPerMillion: price, outputPerMillion: price }, "{inputPerMillion, outputPerMillion}").exactOptional(),
      adapt: z
        .strictObject(
          {
            systemBefore: z.string("a text").max(100_000).exactOptional(),
            systemAfter: z.string("a text").max(100_000).exactOptional(),
            systemAs: z.enum(["system", "user"], "system or user").exactOptional(),
            toolSchemas: z.enum(["full", "plain"], "full or plain").exactOptional(),
          },
          "{systemBefore, systemAfter, systemAs, toolSchemas}",
        )
        .exactOptional(),
    },
    "a model's name, or {model, weight, tags, abilities, contextTokens, pin, price, adapt}",
  ),
);

const rule = z
  .strictObject(
    {
      id: label,
      match: z.string("a regular expression").min(1, "a regular expression").exactOptional(),
      matchAny: z
        .array(z.string("a regular expression").min(1, "a regular expression"), "a list of regular expressions")
        .max(100)
        .default([]),
      confidence: share.default(1),
      reason: z.string("a text").max(500).default("its pattern matches"),
      target: modelName,
    },
    "a rule: {id, match or matchAny, confidence, reason, target}",
  )
  .refine(({ match, matchAny }) => match !== undefined || matchAny.length > 0, "a rule with match or matchAny")
  .transform(({ match, matchAny, ...rest }) => ({ ...rest, matchAny: match === undefined ? matchAny : [match, ...matchAny] }));

const tiers = z.preprocess(
  (raw) => (raw === "default" ? DEFAULT_TIERS : raw),
  z
    .array(z.strictObject({ name: label, upToTokens: tokens }, "a tier: {name, upToTokens}"), "default, or a list of {name, upToTokens}")
    .min(1, "at least one tier")
    .max(16, "at most 16 tiers")
    .refine((list) => list.every(({ upToTokens }, index) => upToTokens > (list[index - 1]?.upToTokens ?? 0)), "tiers in growing order"),
);
const DEFAULT_TIERS = [
  { name: "fast", upToTokens: 4_096 },
  { name: "reasoning", upToTokens: 32_768 },
];

const hedge = z
  .strictObject(
    {
      afterMs: z.int("a whole number of ms").min(1, "at least 1").max(600_000, "at most 600000").exactOptional(),
      percentile: z.number("a number").min(1, "at least 1").max(99.9, "at most 99.9").exactOptional(),
    },
    "{afterMs} or {percentile}",
  )
  .transform(({ afterMs, percentile }, ctx) => {
    if (afterMs !== undefined && percentile === undefined) return { afterMs };
    if (percentile !== undefined && afterMs === undefined) return { percentile };
    ctx.addIssue({ code: "custom", message: "either afterMs or percentile" });
    return z.NEVER;
  });

const routeShape = z.strictObject(
  {
    strategy: z
      .enum(["order", "weight", "least-busy", "latency", "cost"], "one of order, weight, least-busy, latency, cost")
      .default("order"),
    targets: z.array(target, "a list of models").min(1, "at least one model").max(TARGETS_MAX, `at most ${TARGETS_MAX} models`),
    tiers: tiers.exactOptional(),
    aboveTiers: z.enum(["summary", "last"], "summary or last").default("summary"),
    retries: z
      .strictObject(
        {
          attemptsMax: z.int("a whole number").min(1, "at least 1").max(20, "at most 20").exactOptional(),
          budgetRatio: share.default(0.2),
        },
        "{attemptsMax, budgetRatio}",
      )
      .default({ budgetRatio: 0.2 }),
    hedge: hedge.exactOptional(),
    sticky: z.literal("conversation", "conversation").exactOptional(),
    afterFirstByte: z.enum(["never", "text"], "never or text").default("never"),
    rules: z.array(rule, "a list of rules").max(100).default([]),
    rulesConfidenceMin: share.default(0.5),
    rulesGapMin: share.default(0),
  },
  "a model's name, or {strategy, targets, …}",
);

/** The keys of a named model, for those who mistype one. */
export const ROUTE_KEYS: readonly string[] = Object.keys(routeShape.shape);

const route = z.preprocess((raw) => (typeof raw === "string" ? { targets: [raw] } : raw), routeShape);
type Route = z.infer<typeof route>;
type Routes = Readonly<Record<string, Route>>;

type Settled<T> = T extends readonly (infer Item)[]
  ? readonly Settled<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: Settled<T[Key]> }
    : T;

/** A named model of the configuration, with what it leaves out filled in. */
export type ModelRouteConfig = Settled<Route> & { readonly name: string };

const map = z
  .record(
    z.string().regex(/^[\w./:@+*-]{1,128}$/, "names of letters, digits and ./:@+-, with at most one *"),
    route,
    "a map of names to models",
  )
  .transform((routes, ctx) => {
    const complain = (path: readonly PropertyKey[], message: string): void =>
      ctx.addIssue({ code: "custom", path: [...path], message, input: routes });
    const entries = Object.entries(routes);
    if (entries.length > NAMES_MAX) complain([], `at most ${NAMES_MAX} named models`);
    return entries.map(([name, one]): ModelRouteConfig => {
      if (name.indexOf("*") !== name.lastIndexOf("*")) complain([name], "a model under a name with at most one *");
      return { ...resolved(name, one, { routes, complain }), name };
    });
  });

/** What was read once may be read again: then it is a list of routes with their names. */
const schema = z.preprocess((raw) => (isListOfRoutes(raw) ? Object.fromEntries(raw.map(({ name, ...rest }) => [name, rest])) : raw), map);

function isListOfRoutes(raw: unknown): raw is readonly { readonly name: string }[] {
  return Array.isArray(raw) && raw.every((item: unknown) => typeof item === "object" && item !== null && "name" in item);
}

/** A route whose targets are no aliases any more. Rules name targets as they are written. */
function resolved(
  name: string,
  one: Route,
  { routes, complain }: { readonly routes: Routes; readonly complain: (path: PropertyKey[], message: string) => void },
): Route {
  const ends = one.targets.map(({ model }) => behind(model, { from: name, routes }));
  const [only, ...others] = ends;
  if (only?.type === "route" && others.length === 0) return resolved(only.name, only.route, { routes, complain });
  const targets = one.targets.map((item, index) => {
    const end = ends[index];
    if (end?.type === "model") return { ...item, model: end.model };
    complain(
      [name, "targets", index],
      end?.type === "route" ? "a model, not a route of several" : "a model, not a name that leads back here",
    );
    return item;
  });
  const written = one.targets.map(({ model }) => model);
  const rules = one.rules.map((item, index) => {
    const at = written.indexOf(item.target);
    if (at < 0) complain([name, "rules", index, "target"], `one of its targets (${written.join(", ")})`);
    return { ...item, target: targets[at]?.model ?? item.target };
  });
  return { ...one, targets, rules };
}

type End =
  | { readonly type: "model"; readonly model: string }
  | { readonly type: "route"; readonly name: string; readonly route: Route }
  | { readonly type: "circle" };

/** What a name stands for in the end. */
function behind(model: string, { from, routes }: { readonly from: string; readonly routes: Routes }): End {
  let name = model;
  // A name may stand for the provider's own model of that name.
  let previous = from;
  for (let count = 0; count < ALIASES_MAX; count += 1) {
    const next = name === previous || !Object.hasOwn(routes, name) ? undefined : routes[name];
    if (next === undefined) return { type: "model", model: name };
    const [only, ...others] = next.targets;
    if (only === undefined || others.length > 0) return { type: "route", name, route: next };
    previous = name;
    name = only.model;
  }
  return { type: "circle" };
}

export const modelRoutes: Setting<readonly ModelRouteConfig[]> = {
  default: [],
  description:
    "Names that programs may ask for, each with the model that answers (`gpt-4o: ollama/qwen2.5`) or a route to several: which of them, in which order, under which conditions. See routing.md.",
  valid: "a map of names to models: {gpt-4o: ollama/qwen2.5}, or to routes: {smart: {strategy, targets, …}}",
  read: (raw) => raw,
  schema,
};

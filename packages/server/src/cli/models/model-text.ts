import type { CatalogModel, ModelRoute } from "@tutti/client";
import { formatDuration } from "../duration.ts";

type Fact = readonly [name: string, text: string];

/** All that is known of a model, for people. */
export function factsOf(model: CatalogModel): readonly Fact[] {
  const { id, provider, abilities, contextTokens } = model;
  return [
    ["model", id],
    ["provider", provider],
    ["can", abilities?.join(", ") ?? "not known; name it under `abilities` of a target"],
    ["context", contextTokens === undefined ? "not known" : `${contextTokens} tokens`],
    ...factsThere(model),
    ...healthOf(model),
  ];
}

/** What is known of a named model, and where it leads. */
export function routeFactsOf({ name, strategy, targets, rules, sticky }: ModelRoute): readonly Fact[] {
  return [
    ["named model", name],
    ["strategy", targets.length === 1 ? "alias" : strategy],
    ...targets.map(({ model, weight, tags, pin }): Fact => [
      "target",
      [model, strategy === "weight" && `weight ${weight}`, ...tags, pin && `pinned to ${pin}`].filter(Boolean).join(", "),
    ]),
    ...rules.map(({ id, target }): Fact => ["rule", `${id}: ${target}`]),
    ...fact("sticky by", sticky, String),
  ];
}

/** Those that most models have only some of. */
function factsThere({ version, outputTokensMax, dimensions, sizeBytes, isLoaded, price, routes }: CatalogModel): readonly Fact[] {
  return [
    ...fact("output", outputTokensMax, (tokens) => `at most ${tokens} tokens`),
    ...fact("dimensions", dimensions, String),
    ...fact("version", version, String),
    ...fact("size", sizeBytes, bytesText),
    ...fact("in memory", isLoaded, (loaded) => (loaded ? "yes" : "no")),
    ...fact(
      "price",
      price,
      ({ inputPerMillion, outputPerMillion }) => `$${inputPerMillion} in, $${outputPerMillion} out for a million tokens`,
    ),
    ...fact("routes", routes.length === 0 ? undefined : routes, (names) => names.join(", ")),
  ];
}

function healthOf({ stats }: CatalogModel): readonly Fact[] {
  if (stats === undefined || stats.calls === 0) return [["health", "not asked since the start"]];
  const { status, underWay, calls, failures, errorRate, firstByteMs = 0, latencyMs = 0, tokensPerSecond, costUsd } = stats;
  const speed = tokensPerSecond === undefined ? "" : `, ${tokensPerSecond.toFixed(1)} tokens/s`;
  return [
    ["health", `${status}, ${underWay} calls under way`],
    ["calls", `${calls}, ${failures} failed; lately ${(errorRate * 100).toFixed(1)} % of them`],
    ["speed", `first byte ${formatDuration(firstByteMs)}, whole answer ${formatDuration(latencyMs)}${speed}`],
    ...fact("cost", costUsd, (usd) => `$${usd.toFixed(4)} since the start, by the list`),
  ];
}

function fact<T>(name: string, value: T | undefined, text: (value: T) => string): readonly Fact[] {
  return value === undefined ? [] : [[name, text(value)]];
}

/** So many tokens in a few characters: "512", "33k", "1.0M". */
export function tokensText(tokens: number): string {
  if (tokens < 1_000) return String(tokens);
  return tokens < 1_000_000 ? `${Math.round(tokens / 1_000)}k` : `${(tokens / 1_000_000).toFixed(1)}M`;
}

/** So many bytes, in powers of a thousand as disks and networks count them. */
export function bytesText(bytes: number): string {
  if (bytes < 1_000_000) return `${Math.round(bytes / 1_000)} kB`;
  return bytes < 1_000_000_000 ? `${(bytes / 1_000_000).toFixed(1)} MB` : `${(bytes / 1_000_000_000).toFixed(2)} GB`;
}

import { canonicalJson, type Action, type Decision, type Policy } from "@tutti/core";
import { fitsAny } from "../models/index.ts";
import type { Config } from "./config/index.ts";
import { cargoIn, urlsIn } from "./outgoing-data.ts";

/**
 * Writing, executing and sending out after reading untrusted content: whoever wrote the content may be the one who wants it. Pure. The run's
 * taint comes from the engine, so it holds in agents, graphs and workflows alike.
 */
export function taintPolicies({
  taintPolicy: effect,
  taintExceptions,
}: Pick<Config, "taintPolicy" | "taintExceptions">): readonly Policy[] {
  if (effect === "off") return [];
  const rule = (action: Action): Decision | undefined => {
    const sources = action.facts?.run?.tainted ?? [];
    if (sources.length === 0) return undefined;
    const urls = urlsIn(action.input);
    const what = dangerOf(action, urls);
    if (what === undefined) return undefined;
    const isExcepted = taintExceptions.some(
      ({ tools, after, workflows, hosts }) =>
        fitsAny(tools, action.resource) &&
        sources.every((source) => fitsAny(after, source)) &&
        fitsAny(workflows, action.facts?.run?.workflow ?? "") &&
        (hosts === undefined || (urls !== undefined && urls.length > 0 && urls.every(({ hostname }) => fitsAny(hosts, hostname)))),
    );
    if (isExcepted) return undefined;
    const read = sources.map((source) => `"${source}"`).join(", ");
    return { effect, rule: "taint", reason: `the run has read untrusted content from ${read}, and "${action.resource}" ${what}` };
  };
  // What the policy hash is made of: another setting is another policy.
  rule.toString = () => `taint ${canonicalJson({ effect, taintExceptions })}`;
  return [rule];
}

/** What an action could do for whoever wrote what the run has read; `undefined` for reading. */
function dangerOf({ kind, resource, facts, input }: Action, urls: readonly URL[] | undefined): string | undefined {
  if (kind === "memory.write") return "is remembered";
  if (kind !== "tool.call") return undefined;
  if (facts?.tool?.effect === "write") return "writes";
  if (facts?.tool?.effect === "execute") return "executes";
  return cargoIn({ tool: resource, source: facts?.tool?.source ?? "", input }, urls);
}

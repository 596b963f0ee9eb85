import { canonicalJson, type Action, type Decision, type Json, type Policy } from "@tutti/core";
import { fitsAny } from "../models/index.ts";
import type { Config } from "./config/index.ts";

/** Tools that carry their input to a place that the input names, whatever they say of their effect. */
const SENDERS: ReadonlySet<string> = new Set(["http_request"]);
/** Where requests carry data beside their URL. */
const CARGO: ReadonlySet<string> = new Set(["query", "headers", "params", "body", "data", "form"]);
/** A longer path or host name has room for data. Links that people write are mostly shorter. */
const PATH_CHARACTERS_MAX = 100;
const LABEL_CHARACTERS_MAX = 30;
/** Values looked at in one input; an input with more counts as sending data out. */
const VALUES_MAX = 10_000;

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
  return SENDERS.has(resource) ? "sends its input out" : cargoOf(input, urls);
}

/** How an input would carry data to where it says. */
function cargoOf(input: Json | undefined, urls: readonly URL[] | undefined): string | undefined {
  if (urls?.length !== 0 && hasCargo(input)) return "would send data out beside a URL";
  const sending = urls === undefined ? "too much to look at" : urls.find(carriesData)?.hostname;
  return sending === undefined ? undefined : `would send data out in a URL (${sending})`;
}

/** Whether an input has fields in which requests carry data beside their URL. */
function hasCargo(input: Json | undefined): boolean {
  if (typeof input !== "object" || input === null || Array.isArray(input)) return false;
  return Object.entries(input).some(
    ([key, value]) => CARGO.has(key) && value !== null && value !== "" && (typeof value !== "object" || Object.keys(value).length > 0),
  );
}

/** Whether a URL has room for data that is not public already. */
function carriesData({ search, hash, username, password, pathname, hostname }: URL): boolean {
  if (search !== "" || hash.length > LABEL_CHARACTERS_MAX || username !== "" || password !== "") return true;
  return pathname.length > PATH_CHARACTERS_MAX || hostname.split(".").some((label) => label.length > LABEL_CHARACTERS_MAX);
}

/** The URLs in an input's texts; `undefined` when there is more than is looked at. */
function urlsIn(input: Json | undefined): readonly URL[] | undefined {
  const urls: URL[] = [];
  const open: Json[] = input === undefined ? [] : [input];
  let seen = 0;
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    seen += 1;
    if (seen > VALUES_MAX) return undefined;
    if (typeof value === "string") urls.push(...urlsOf(value));
    else if (typeof value === "object" && value !== null)
      for (const item of Array.isArray(value) ? (value as readonly Json[]) : Object.values(value)) open.push(item);
  }
  return urls;
}

function urlsOf(text: string): readonly URL[] {
  return (text.match(/\b(?:https?|wss?|ftp):\/\/[^\s<>"'`]+/gi) ?? []).flatMap((candidate) => URL.parse(candidate) ?? []);
}

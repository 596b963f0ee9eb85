import type { Action, Decision } from "@tutti/core";
import type { ApprovalTerms } from "@tutti/core/policy";
import { matchConditions, verdictOf, whenConditions } from "./conditions.ts";
import { literalPrefix } from "./pattern.ts";
import { hostOf } from "./places-of-values.ts";
import { jsonPointer } from "./pointer.ts";
import { POLICY_BOUNDS, type RuleSpec, type When } from "./rule-schema.ts";
import { listOf, type Condition, type Path, type Verdict } from "./verdict.ts";

/** A rule that can be asked. */
export interface CompiledRule {
  readonly spec: RuleSpec;
  readonly conditions: readonly Condition[];
  /** The kinds of action it can speak of. */
  readonly kinds: readonly string[];
  /** Ways to tell from one value alone that it does not speak, the most telling first. */
  readonly keys: readonly RuleKey[];
  readonly decision: Decision;
}

/** A rule can speak only of actions in which one of the probes finds the value beside it, or cannot tell. */
interface RuleKey {
  /** Rules with the same name are told apart by the same means. */
  readonly name: string;
  readonly isOfInput?: boolean;
  readonly entries: readonly { readonly probe: Probe; readonly value: string }[];
}

/** Reads values of an action to look rules up by; `undefined` when they cannot be told. Probes with one name read the same. */
export interface Probe {
  readonly name: string;
  readonly read: (action: Action) => readonly string[] | undefined;
}

/** Compiles a rule; throws `ConditionError`. `path` is where it stands. */
export function compileRule(spec: RuleSpec, path: Path): CompiledRule {
  const { id, effect, reason, match, when = {} } = spec;
  const conditions = [...matchConditions(match), ...whenConditions(when, [...path, "when"])];
  const approval = approvalTerms(spec.approval);
  return {
    spec,
    conditions,
    kinds: listOf(match.kind ?? "tool.call"),
    keys: keysOf(spec),
    decision: { effect, reason, rule: id, ...(approval && { approval }) },
  };
}

/** Whether the rule's conditions hold, as far as that can be told. */
export function verdictOfRule({ conditions }: CompiledRule, action: Action): Verdict {
  return verdictOf(conditions, action);
}

/** Whether a rule speaks. What cannot be told opens nothing: a rule that allows is silent then, one that asks or denies speaks. */
export function speaks({ spec, conditions }: CompiledRule, action: Action): boolean {
  const verdict = verdictOf(conditions, action);
  return spec.effect === "allow" ? verdict === true : verdict !== false;
}

/** How a rule is read: whether it speaks of an action. */
export type RuleReading = (rule: CompiledRule, action: Action) => boolean;

/**
 * Readings of rules for an action whose input is not known, each at its kindest: no rule that denies on a guess, one that allows always; and
 * rules that ask taken both ways.
 */
export const KIND_READINGS: readonly RuleReading[] = [
  ({ spec, conditions }, action) =>
    spec.effect === "allow" ? verdictOf(conditions, action) !== false : verdictOf(conditions, action) === true,
  ({ spec, conditions }, action) =>
    spec.effect === "deny" ? verdictOf(conditions, action) === true : verdictOf(conditions, action) !== false,
];

/** A rule that is looked up by nothing in the input. */
export function withoutInputKeys(rule: CompiledRule): CompiledRule {
  return { ...rule, keys: rule.keys.filter(({ isOfInput }) => isOfInput !== true) };
}

/** Whether a rule looks at the input. */
export function looksAtInput({ spec: { when = {} } }: CompiledRule): boolean {
  const groups: When[] = [when];
  for (const group of groups) {
    if (Object.keys(group.input ?? {}).length > 0) return true;
    groups.push(...(group.any_of ?? []), ...(group.not === undefined ? [] : [group.not]));
  }
  return false;
}

const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

function approvalTerms(spec: RuleSpec["approval"]): ApprovalTerms | undefined {
  if (spec === undefined) return undefined;
  const { approvers, expires, four_eyes: isFourEyes, approvals } = spec;
  return {
    ...(approvers !== undefined && { approvers: listOf(approvers) }),
    ...(expires !== undefined && { expiresInMs: Number.parseInt(expires, 10) * UNIT_MS[expires.at(-1) as keyof typeof UNIT_MS] }),
    ...(isFourEyes === true && { isFourEyes }),
    ...(approvals !== undefined && { approvalsMin: approvals }),
  };
}

function keysOf({ match, when = {} }: RuleSpec): readonly RuleKey[] {
  const keys: RuleKey[] = [];
  for (const names of [match.tool, match.resource]) if (names !== undefined) keys.push(nameKey("resource", RESOURCE, listOf(names)));
  const { id, role, tenant } = when.principal ?? {};
  if (id !== undefined) keys.push(nameKey("principal", PRINCIPAL, listOf(id)));
  for (const [pointer, test] of Object.entries(when.input ?? {}))
    keys.push(...inputKeys(pointer, test).map((key) => ({ ...key, isOfInput: true })));
  if (when.run?.workflow !== undefined) keys.push(nameKey("workflow", WORKFLOW, listOf(when.run.workflow)));
  if (role !== undefined) keys.push(nameKey("role", ROLE, listOf(role)));
  if (tenant !== undefined) keys.push(nameKey("tenant", TENANT, listOf(tenant)));
  // A pattern that begins with a star tells nothing beforehand.
  return keys.filter(({ entries }) => entries.every(({ value }) => value !== ""));
}

type Read = Probe["read"];

const RESOURCE: Read = ({ resource }) => [resource];
const PRINCIPAL: Read = ({ principal }) => [principal.id];
const ROLE: Read = ({ principal }) => principal.roles;
const TENANT: Read = ({ principal }) => [principal.tenant];
const WORKFLOW: Read = ({ facts }) => (facts?.run === undefined ? undefined : [facts.run.workflow]);

/** Looks names up whole, and patterns by what stands before their first star. */
function nameKey(name: string, read: Read, patterns: readonly string[]): RuleKey {
  const entries = patterns.map((pattern) => {
    const star = pattern.indexOf("*");
    return star < 0 ? { probe: { name, read }, value: pattern } : { probe: beginning(name, read, star), value: pattern.slice(0, star) };
  });
  return { name, entries };
}

/** Reads the first characters of what another probe reads. */
function beginning(name: string, read: Read, length: number): Probe {
  return { name: `${name}:${length}`, read: (action) => read(action)?.map((text) => text.slice(0, length)) };
}

function inputKeys(pointer: string, test: NonNullable<NonNullable<RuleSpec["when"]>["input"]>[string]): readonly RuleKey[] {
  const find = jsonPointer(pointer);
  const read: Read = ({ input }) => {
    const value = input === undefined ? undefined : find(input);
    return typeof value === "string" && value.length <= POLICY_BOUNDS.textCharactersMax ? [value] : undefined;
  };
  const keys: RuleKey[] = [];
  const name = `input ${pointer}`;
  const values = test.one_of ?? (test.equals === undefined ? [] : [test.equals]);
  if (values.length > 0 && values.every((value) => typeof value === "string"))
    keys.push({ name, entries: values.map((value) => ({ probe: { name, read }, value })) });
  const hosts = test.host === undefined ? [] : listOf(test.host);
  if (hosts.length > 0 && hosts.every((host) => !host.startsWith("*."))) keys.push(hostKey(`host ${pointer}`, read, hosts));
  const prefixes = test.matches === undefined ? [] : listOf(test.matches).map(literalPrefix);
  if (prefixes.length > 0)
    keys.push({ name: `${name} begins`, entries: prefixes.map((value) => ({ probe: beginning(name, read, value.length), value })) });
  return keys;
}

function hostKey(name: string, readText: Read, hosts: readonly string[]): RuleKey {
  const read: Read = (action) => {
    const [text] = readText(action) ?? [];
    const host = text === undefined ? undefined : hostOf(text);
    return host === undefined ? undefined : [host];
  };
  return { name, entries: hosts.map((host) => ({ probe: { name, read }, value: hostOf(`http://${host}/`) ?? host })) };
}

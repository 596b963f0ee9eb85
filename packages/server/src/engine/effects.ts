import assert from "node:assert/strict";
import {
  AppError,
  collect,
  parse,
  type Action,
  type Decision,
  type Json,
  type Model,
  type ModelPart,
  type ModelRequest,
  type Principal,
  type Reply,
  type Tool,
  type Usage,
  type Workflow,
} from "@tutti/core";
import type { ApprovalTerms, ApprovedBy } from "@tutti/core/policy";

/** A step that wants to use an approval that was given before. */
export interface ApprovalUse {
  readonly step: { readonly runId: string; readonly key: string };
  readonly workflow: string;
  readonly principal: Principal;
  readonly tool: string;
  readonly input: Json;
  readonly argsHash: string;
  readonly terms: ApprovalTerms;
}

/** Approvals that were given before they were needed. */
export interface GivenApprovals {
  /** Uses the approval with that id, or throws why it cannot be used. For the same step it is the same use. */
  use(id: string, use: ApprovalUse): Promise<ApprovedBy>;
  /** Uses a standing grant that fits, if there is one. */
  useGrant(use: ApprovalUse): Promise<ApprovedBy | undefined>;
}

/** What an engine needs of the host. Lookups return `undefined` for what is not there. */
export interface EngineParts {
  /** The newest version without `version`. */
  readonly workflow: (name: string, version?: string) => Workflow | undefined;
  readonly tool: (name: string) => Tool | undefined;
  readonly model: (id: string) => Model | undefined;
  readonly decide: (action: Action) => Decision;
  /** None when left out. */
  readonly approvals?: GivenApprovals;
  /** Who owns a principal's key, for approvals by four eyes. */
  readonly ownerOf?: (principal: Principal) => string | undefined;
  /** Whether some policy looks at what was known when an action of a kind was asked for. Left out: at calls of tools. */
  readonly looksAt?: (kind: Action["kind"]) => boolean;
  /** What a model call cost in US dollars, where the price is known. */
  readonly costUsd?: (model: string, usage: Usage) => Promise<number | undefined>;
  /** Sources of untrusted content that a run's input holds, beyond what whoever starts it says: earlier turns of a conversation. */
  readonly taintOf?: (start: {
    readonly workflow: string;
    readonly input: Json;
    readonly principal: Principal;
  }) => Promise<readonly string[]>;
  /** Told before a run ends with an output, and what untrusted content it has read, so that a later turn which holds the output is known. */
  readonly onOutput?: (end: {
    readonly workflow: string;
    readonly principal: Principal;
    readonly input: Json;
    readonly output: Json;
    readonly tainted: readonly string[];
  }) => Promise<void>;
  /** SHA-256 of the policies in force, written beside every decision. */
  readonly policyHash: () => string;
}

/** Whether what is known when an action is asked for has to be told and journaled. */
export function isLookedAt({ looksAt }: EngineParts, kind: Action["kind"]): boolean {
  return looksAt === undefined ? kind === "tool.call" : looksAt(kind);
}

/** An action outside of steps with the moment of it, in ISO 8601, where some policy looks. */
export function timed(parts: EngineParts, action: Action, at: string): Action {
  return isLookedAt(parts, action.kind) ? { ...action, facts: { at } } : action;
}

/** Finds a tool or says which there are none of. */
export function findTool(parts: Pick<EngineParts, "tool">, name: string): Tool {
  const tool = parts.tool(name);
  if (tool === undefined)
    throw new AppError("not_found", `wanted a tool called "${name}", got none by that name; \`tutti tools\` lists them`);
  return tool;
}

/** Whether what a tool gives comes from outside. Tools of other servers count as such unless they say otherwise. */
export function isUntrusted({ isUntrusted: says, source = "" }: Tool): boolean {
  return says ?? /^(?:mcp|openapi):/.test(source);
}

/** Asks a model; text parts go to `onPart` as they come. */
export async function generate(
  parts: EngineParts,
  call: { readonly model: string; readonly request: ModelRequest; readonly onPart: (part: ModelPart) => void },
  signal: AbortSignal,
): Promise<Reply> {
  const model = parts.model(call.model);
  if (model === undefined)
    throw new AppError("model_not_found", `wanted a model called "${call.model}", got none by that name; \`GET /v1/models\` lists them`);
  return collect(tee(model.generate(call.request, signal), call.onPart));
}

/** A tool's or workflow's input, as its schema types it. */
export function parseInput(target: Tool | Workflow, input: Json): Promise<Json> {
  // The host gives each tool a schema when it takes it; one without would take anything.
  assert(target.input !== undefined, `the tool ${target.name} has no schema of its input`);
  return parse(target.input, input, `the input of "${target.name}"`);
}

async function* tee(source: AsyncIterable<ModelPart>, onPart: (part: ModelPart) => void): AsyncGenerator<ModelPart> {
  for await (const part of source) {
    onPart(part);
    yield part;
  }
}

import { AppError, enforce, type Action, type ApprovalRequest, type Decision, type Json, type Tool } from "@tutti/core";
import type { ApprovedBy, CallOptions } from "@tutti/core/policy";
import { argsHash } from "../../approvals/args-hash.ts";
import { isLookedAt } from "../../effects.ts";
import type { OperationCall } from "../operation.ts";
import { factsOf } from "./facts.ts";
import type { Workbench } from "./workbench.ts";

/** How a step asks for leave. `approval` says what to do when policy asks; it waits for people unless it says otherwise. */
interface Leave {
  readonly call: OperationCall;
  readonly isDurableFirst: boolean;
  readonly approval?: CallOptions["approval"] | undefined;
  /** What is called, where policy may want to know more of it than its name. */
  readonly tool?: Tool;
}

/** A step that policy asks about. */
interface Asked {
  readonly action: Action;
  readonly decision: Decision;
  readonly argsHash: string;
}

/** An input that a person put in the place of the one they were asked about. */
interface Edited {
  readonly input: Json;
}

/** What a step was let do, and who let it. */
interface Approved {
  readonly approved: ApprovedBy;
  readonly edited?: Edited | undefined;
}

/**
 * Decides and journals the decision; gets an approval when it is `ask`, throws when it is `deny`. What changes the world waits until its
 * decision is durable. Returns the input that a person put in the place of the one they were asked about, if somebody did.
 */
export async function allow(bench: Workbench, wanted: Omit<Action, "principal">, leave: Leave): Promise<Edited | undefined> {
  const { engine, run, calls } = bench;
  const { key } = leave.call;
  const facts = isLookedAt(engine, wanted.kind) ? { facts: factsOf(bench, key, leave.tool) } : {};
  const action: Action = { ...wanted, principal: run.principal, ...facts };
  const decision = engine.decide(action);
  // At once, so that another call that is decided meanwhile is told of this one.
  if (action.kind === "tool.call" && decision.effect !== "deny") calls.add(key, action.resource);
  const { durable } = await journal(bench, key, { action, decision });
  if (decision.effect === "ask") return approve(bench, { action, decision, argsHash: argsHash(action.input ?? null) }, leave);
  enforce(action, decision);
  if (leave.isDurableFirst) await durable;
  return undefined;
}

/** Gets an approval and journals it beside the decision as it stands then. */
async function approve(bench: Workbench, asked: Asked, leave: Leave): Promise<Edited | undefined> {
  const { approved, edited } = (await approvedBefore(bench, asked, leave)) ?? (await approvedByPeople(bench, asked, leave.call));
  const action = edited === undefined ? asked.action : { ...asked.action, input: edited.input };
  // Policy has the last word on what a person made of it, too; an approval answers `ask` only.
  const decision = edited === undefined ? asked.decision : bench.engine.decide(action);
  if (decision.effect === "deny") await journal(bench, leave.call.key, { action, decision });
  if (decision.effect === "deny") enforce(action, decision);
  const reason = `approved by ${approved.by.join(" and ")}${approved.reason === "" ? "" : `: ${approved.reason}`}`;
  const { durable } = await journal(bench, leave.call.key, {
    action,
    decision: { effect: "allow", rule: decision.rule, reason },
    approved,
  });
  if (leave.isDurableFirst) await durable;
  return edited;
}

/** Journals a decision; `durable` resolves when it is on disk. */
async function journal(
  { engine, host }: Workbench,
  key: string,
  decided: { readonly action: Action; readonly decision: Decision; readonly approved?: ApprovedBy },
): Promise<{ readonly durable: Promise<boolean> }> {
  const { action } = decided;
  // Of the policies that decided: others may be in force a moment later.
  const policyHash = engine.policyHash();
  const input = action.input === undefined ? {} : { input: await host.toJournal(action.input) };
  const event = { type: "policy.decided", key, ...decided, action: { ...action, ...input }, policyHash } as const;
  return { durable: host.append([event]) };
}

/** An approval that the caller names, or a standing grant that fits. Whom people have answered already needs neither. */
async function approvedBefore({ engine, run, approvals }: Workbench, asked: Asked, leave: Leave): Promise<Approved | undefined> {
  const { action, decision } = asked;
  const { approval = "wait", call } = leave;
  if (action.kind !== "tool.call" || approvals.answersTo(call.key).length > 0) return undefined;
  const use = {
    step: { runId: run.runId, key: call.key },
    workflow: run.workflow.name,
    principal: run.principal,
    tool: action.resource,
    input: action.input ?? null,
    argsHash: asked.argsHash,
    terms: decision.approval ?? {},
  };
  if (typeof approval === "object") {
    if (engine.approvals !== undefined) return { approved: await engine.approvals.use(approval.id, use) };
    throw new AppError("unknown_approval", `wanted an approval, got "${approval.id}", and this engine keeps none`);
  }
  const approved = await engine.approvals?.useGrant(use);
  if (approved !== undefined) return { approved };
  if (approval === "wait") return undefined;
  throw new AppError(
    "missing_approval",
    `${action.kind} on "${action.resource}" was refused by rule ${decision.rule}: ${decision.reason}; ` +
      `approve it with \`POST /v1/tools/approve\` and call it again with the approvalId, or call it with "wait": true`,
  );
}

async function approvedByPeople({ approvals, run }: Workbench, asked: Asked, call: OperationCall): Promise<Approved> {
  const { action } = asked;
  const what = `${action.kind} on "${action.resource}"`;
  const [first] = approvals.answersTo(call.key);
  if (first?.argsHash !== undefined && first.argsHash !== asked.argsHash)
    throw new AppError("args_hash_mismatch", `${what} wanted an approval of ${asked.argsHash}, got one of ${first.argsHash}`);
  const { approved, by, reason, edited } = await approvals.ask(requestOf(asked, run.principal.id), call);
  if (!approved && by.includes("timeout")) throw new AppError("approval_timeout", `${what}: ${reason}`);
  if (!approved) throw new AppError("approval_refused", `${what} was refused by ${by.join(" and ")}: ${reason}`);
  return { approved: { approvalId: `${run.runId}/${call.key}`, by, reason, argsHash: edited?.argsHash ?? asked.argsHash }, edited };
}

function requestOf({ action, decision, argsHash: hash }: Asked, principalId: string): ApprovalRequest {
  const { approvers, expiresInMs, isFourEyes, approvalsMin } = decision.approval ?? {};
  return {
    question: `${action.kind} on "${action.resource}": ${decision.reason}`,
    ...(action.input !== undefined && { detail: action.input }),
    ...(approvers && { approvers }),
    ...(expiresInMs !== undefined && { timeoutMs: expiresInMs }),
    ...(isFourEyes === true && { isFourEyes }),
    ...(approvalsMin !== undefined && { approvalsMin }),
    ...(action.kind === "tool.call" && { call: { tool: action.resource, argsHash: hash, principalId, rule: decision.rule } }),
  };
}

import {
  AppError,
  enforce,
  type Action,
  type ApprovalRequest,
  type EventBody,
  type Json,
  type Principal,
  type Store,
  type Wait,
} from "@tutti/core";
import type { Answer, EditedInput } from "@tutti/core/policy";
import { approverProblem } from "../approvals/approver.ts";
import { argsHash } from "../approvals/args-hash.ts";
import { findTool, parseInput, type EngineParts } from "../effects.ts";
import { answersToNewest, verdictOf } from "./approvals.ts";
import type { Execution } from "./execution.ts";
import type { ApprovalAnswer } from "./history.ts";
import { toJson } from "./operation.ts";
import { factsOf } from "./operations/index.ts";
import type { Payloads } from "./payloads.ts";

/** Approvals one run may wait for at once that are looked through for the one that is answered. */
const APPROVALS_MAX = 1000;

/** What answering works with. */
export interface AnsweringParts {
  readonly store: Store;
  readonly engine: EngineParts;
  readonly payloads: Payloads;
}

/** An answer that fits what is asked: what is to be decided about it, what is journaled, and what the run is told. */
export interface CheckedAnswer {
  readonly action: Action;
  readonly bodies: readonly EventBody[];
  readonly apply: () => void;
  /** An input that policy denies, whoever approves it: it is journaled as such, and refused. */
  readonly denied?: Extract<EventBody, { readonly type: "policy.decided" }> | undefined;
}

/** Checks an answer against what the run asks. Throws why it does not fit. The last look is at what is in memory, without a wait after it. */
export async function checkAnswer(
  execution: Execution,
  { answer, principal }: { readonly answer: Answer; readonly principal: Principal },
  parts: AnsweringParts,
): Promise<CheckedAnswer> {
  const { runId } = execution.parts;
  const { key, approved, reason, input } = answer;
  const wait = await waitAt(parts.store, runId, key);
  const edit = input === undefined ? undefined : await editOf(execution, { answer, wait, input }, parts);
  const answers = execution.answersTo(key);
  const argsHash = requireOpen(answers, { answer, wait });
  requireApprover(execution, { principal, wait, edit }, parts);
  if (edit === undefined) requireNew(answers, { approved, principal });
  const given = { approved, by: principal.id, reason, ...(argsHash !== undefined && { argsHash }), ...(edit && { edited: edit.edited }) };
  const isSettled = verdictOf([...answers, given], wait.approval ?? {}) !== undefined;
  return {
    action: { kind: "run.approve", principal, resource: runId, input: { question: wait.name, approved } },
    bodies: [
      ...(edit === undefined ? [] : [edit.decided]),
      { type: "approval.answered", key, ...given, ...(edit && { edited: { ...edit.edited, input: edit.journaled } }) },
      // Others are asked yet, about the newest input.
      ...(isSettled ? [] : [askedAgain(wait, edit)]),
    ],
    apply: () => execution.deliverAnswer(key, given),
    denied: edit?.decided.decision.effect === "deny" ? edit.decided : undefined,
  };
}

/** Throws `denied` when policy denies what a person made of the input. */
export function refuseDenied({ denied }: CheckedAnswer): void {
  if (denied !== undefined) enforce(denied.action, denied.decision);
}

async function waitAt(store: Store, runId: string, key: string): Promise<Wait> {
  const waits = await store.waits({ runId, kind: "approval", limit: APPROVALS_MAX });
  const wait = waits.find((candidate) => candidate.key === key);
  if (wait !== undefined) return wait;
  throw new AppError("conflict", `wanted an approval that waits at "${key}" of run ${runId}, got none; it may be answered already`);
}

/** Returns the hash of what is asked about now; throws when nothing is, or when the answer is to something else. */
function requireOpen(
  answers: readonly ApprovalAnswer[],
  { answer, wait }: { readonly answer: Answer; readonly wait: Wait },
): string | undefined {
  if (verdictOf(answers, wait.approval ?? {}) !== undefined)
    throw new AppError("conflict", `wanted an approval that waits at "${wait.key}", got one that was answered just now`);
  const asked = wait.approval?.call?.argsHash;
  const newest = answersToNewest(answers)[0]?.edited?.argsHash ?? asked;
  const meant = answer.argsHash ?? asked;
  if (meant === newest) return newest;
  throw new AppError(
    "args_hash_mismatch",
    `wanted an answer to ${newest ?? "a question without an input"}, got one to ${meant}; look again`,
  );
}

function requireNew(
  answers: readonly ApprovalAnswer[],
  { approved, principal }: { readonly approved: boolean; readonly principal: Principal },
): void {
  if (approved && answersToNewest(answers).some(({ by }) => by === principal.id))
    throw new AppError("conflict", `wanted an approval by somebody else than ${principal.id}, who has approved it already`);
}

/** What a person made of the input, and what policy says of it. */
interface Edit {
  readonly edited: EditedInput;
  readonly journaled: Json;
  readonly decided: Extract<EventBody, { readonly type: "policy.decided" }>;
}

/** Parses what a person made of the input by the tool's schema, and decides it. */
async function editOf(
  execution: Execution,
  { answer, wait, input }: { readonly answer: Answer; readonly wait: Wait; readonly input: Json },
  { engine, payloads }: AnsweringParts,
): Promise<Edit> {
  const call = wait.approval?.call;
  if (call === undefined)
    throw new AppError("invalid_input", `wanted an answer without an input, because "${wait.name}" asks about no tool call`);
  if (!answer.approved) throw new AppError("invalid_input", "wanted an input only with an approval, got one with a refusal");
  const tool = findTool(engine, call.tool);
  const parsed = toJson(await parseInput(tool, input));
  const { principal } = execution.parts;
  const action: Action = {
    kind: "tool.call",
    principal,
    resource: tool.name,
    input: parsed,
    facts: factsOf(execution.bench, wait.key, tool),
  };
  const decision = engine.decide(action);
  const policyHash = engine.policyHash();
  const journaled = await payloads.toJournal(parsed);
  const { approvalsMin } = decision.approval ?? {};
  return {
    edited: { input: parsed, argsHash: argsHash(parsed), ...(approvalsMin !== undefined && { approvalsMin }) },
    journaled,
    decided: { type: "policy.decided", key: wait.key, action: { ...action, input: journaled }, decision, policyHash },
  };
}

/** Whoever changes the input needs the leave to approve both what was asked and what they made of it. */
function requireApprover(
  execution: Execution,
  { principal, wait, edit }: { readonly principal: Principal; readonly wait: Wait; readonly edit: Edit | undefined },
  { engine }: AnsweringParts,
): void {
  const between = { approver: principal, requester: execution.parts.principal };
  const problem =
    approverProblem(wait.approval ?? {}, between, engine.ownerOf) ??
    approverProblem(edit?.decided.decision.approval ?? {}, between, engine.ownerOf);
  if (problem !== undefined) throw new AppError("denied", problem);
}

/** What the next approver is asked: whoever has to fit the newest input fits the first one, too. */
function askedAgain({ key, kind, name, until, approval }: Wait, edit: Edit | undefined): EventBody {
  if (approval === undefined || edit === undefined) return { type: "step.waiting", key, kind, name, until, ...(approval && { approval }) };
  const { approvers, isFourEyes } = edit.decided.decision.approval ?? {};
  const both =
    approvers === undefined || approval.approvers === undefined ? undefined : approval.approvers.filter((one) => approvers.includes(one));
  const changed: ApprovalRequest = {
    ...approval,
    detail: edit.journaled,
    ...(approval.call && { call: { ...approval.call, argsHash: edit.edited.argsHash } }),
    ...((approvers ?? approval.approvers) && { approvers: both ?? approvers ?? approval.approvers ?? [] }),
    ...((isFourEyes === true || approval.isFourEyes === true) && { isFourEyes: true }),
  };
  return { type: "step.waiting", key, kind, name, until, approval: changed };
}

import {
  AppError,
  enforce,
  type Action,
  type Decision,
  type Engine,
  type Event,
  type EventBody,
  type Json,
  type Principal,
  type RunRecord,
  type Store,
} from "@tutti/core";
import type { ApprovedBy } from "@tutti/core/policy";
import { toJson } from "../embedded/operation.ts";
import { findTool, parseInput, type ApprovalUse, type EngineParts, type GivenApprovals } from "../effects.ts";
import { newRunId } from "../run-id.ts";
import { approverProblem } from "./approver.ts";
import { argsHash } from "./args-hash.ts";
import {
  GIVEN_WORKFLOWS,
  amountOf,
  approvedBy,
  isGivenLog,
  readGiven,
  refuse,
  shownGiven,
  statusOfGiven,
  useBy,
  useRefusal,
  type GivenApproval,
} from "./given-approval.ts";
import type { ApprovalTermsGiven, ApproveRequest, GrantRequest } from "./given-terms.ts";

/** Other nodes that may be quicker at one approval before its user gives up. */
const CONFLICTS_MAX = 100;
/** Events read at once of an approval's log. */
const PAGE = 1000;
/** The newest grants that are looked through; older ones are used by nobody but those who name them. */
const GRANTS_MAX = 1000;

/** What the book works with. */
export interface ApprovalBookParts {
  readonly store: Store;
  readonly engine: () => Engine;
  readonly tool: EngineParts["tool"];
  readonly decide: (action: Action) => Decision;
  readonly ownerOf?: EngineParts["ownerOf"];
  readonly nowMs?: () => number;
}

/**
 * Approvals that were given before they were needed. Each is a log of its own, which begins with who gave it, as a recorded run. What becomes
 * of it follows there: a use is one conditional write to the log's next place, which the store gives away once, on whatever node.
 */
export class ApprovalBook implements GivenApprovals {
  readonly #parts: ApprovalBookParts;
  /** Steps of this process that write to the same log take turns, so that only other nodes can be in their way. */
  readonly #turns = new Map<string, Promise<unknown>>();
  readonly #known = new Map<string, { readonly head: string; readonly given: GivenApproval }>();

  constructor(parts: ApprovalBookParts) {
    this.#parts = parts;
  }

  /** Who owns a principal's key, for approvals by four eyes. */
  ownerOf(principal: Principal): string | undefined {
    return this.#parts.ownerOf?.(principal);
  }

  /** Approves one call before it is made, if policy lets the principal (`run.approve` on the tool). */
  async approve(request: ApproveRequest, principal: Principal): Promise<Json> {
    const { tool, input, expiresInMs, reason } = request;
    const parsed = toJson(await parseInput(findTool(this.#parts, tool), input));
    const terms: ApprovalTermsGiven = {
      tool,
      principal: request.principal ?? principal.id,
      argsHash: argsHash(parsed),
      usesMax: 1,
      expiresAt: this.#isoIn(expiresInMs),
    };
    this.#refuseVain({ tool, input: parsed, terms }, principal);
    const given = await this.#give(GIVEN_WORKFLOWS.approval, { terms, reason, more: { input: parsed } }, principal);
    return { approvalId: given, argsHash: terms.argsHash ?? "", expiresAt: terms.expiresAt };
  }

  /** Gives a standing grant, if policy lets the principal. */
  async grant({ expiresInMs, reason, ...asked }: GrantRequest, principal: Principal): Promise<Json> {
    findTool(this.#parts, asked.tool);
    const terms: ApprovalTermsGiven = { ...asked, expiresAt: this.#isoIn(expiresInMs) };
    return this.show(await this.#give(GIVEN_WORKFLOWS.grant, { terms, reason, more: {} }, principal));
  }

  /** One more principal approves what somebody has approved: some rules want two. */
  async second(id: string, reason: string, principal: Principal): Promise<Json> {
    const { terms } = await this.#read(id);
    const act = this.#act({ act: "second", approvalId: id, reason }, terms, principal);
    return act.finish(() =>
      this.#change(id, (given) => {
        requireOpen(given, this.#nowMs());
        if (given.approvers.some((approver) => approver.id === principal.id))
          throw new AppError("conflict", `wanted an approval by somebody else than ${principal.id}, who has approved it already`);
        return { type: "approval.seconded", principal, reason };
      }),
    );
  }

  /** Ends an approval: no use after this one's answer. */
  async revoke(id: string, reason: string, principal: Principal): Promise<Json> {
    const { terms } = await this.#read(id);
    const act = this.#act({ act: "revoke", approvalId: id, reason }, terms, principal);
    return act.finish(() =>
      this.#change(id, (given) => {
        requireOpen(given, this.#nowMs());
        return { type: "approval.revoked", principal, reason };
      }),
    );
  }

  async use(id: string, use: ApprovalUse): Promise<ApprovedBy> {
    const given = await this.#change(id, (newest) => {
      // A crash came between the use and the step's next event: it is the same use.
      if (useBy(newest, use)) return undefined;
      const refusal = useRefusal(newest, use, this.#now());
      if (refusal !== undefined) refuse(refusal);
      const amount = amountOf(newest, use);
      const { step: by, principal, argsHash: hash } = use;
      return { type: "approval.used", by, principal, argsHash: hash, ...(amount !== undefined && { amount }) };
    });
    return approvedBy(given, use.argsHash);
  }

  async useGrant(use: ApprovalUse): Promise<ApprovedBy | undefined> {
    for (const given of await this.#all("grant")) {
      if (given.terms.tool !== use.tool) continue;
      if (!useBy(given, use) && useRefusal(given, use, this.#now()) !== undefined) continue;
      const used = await this.use(given.id, use).catch((error: unknown) => {
        // Somebody else was quicker at what was left of it.
        if (error instanceof AppError && !error.isRetryable) return undefined;
        throw error;
      });
      if (used !== undefined) return used;
    }
    return undefined;
  }

  /** What there is, what expires first foremost; `all`: what is good for nothing any more, too. */
  async list({ kind = "grant", all = false }: { readonly kind?: "grant" | "approval"; readonly all?: boolean } = {}): Promise<
    readonly Json[]
  > {
    const nowMs = this.#nowMs();
    const given = await this.#all(kind);
    return given.filter((one) => all || statusOfGiven(one, nowMs) === "open").map((one) => shownGiven(one, nowMs));
  }

  async show(id: string): Promise<Json> {
    return shownGiven(await this.#read(id), this.#nowMs());
  }

  /** Whether a run is the log of an approval that can still be used, and so has to stay. */
  async isOpen({ id, workflow }: Pick<RunRecord, "id" | "workflow">): Promise<boolean> {
    if (!isGivenLog(workflow)) return false;
    const given = readGiven(await this.#events(id));
    return given !== undefined && statusOfGiven(given, this.#nowMs()) === "open";
  }

  /** Writes who gave an approval and on what terms; that is its log's beginning. */
  async #give(
    workflow: string,
    {
      terms,
      reason,
      more,
    }: { readonly terms: ApprovalTermsGiven; readonly reason: string; readonly more: { readonly [key: string]: Json } },
    principal: Principal,
  ): Promise<string> {
    const input = toJson({ ...terms, ...more, reason });
    const runId = newRunId(Date.now());
    const run = this.#parts
      .engine()
      .record({ runId, workflow, action: "run.approve", kind: "approval", name: terms.tool, input }, principal);
    if (!(await run.complete({ terms: toJson(terms), reason, ...more }))) throw unwritten();
    return runId;
  }

  /** An act upon an approval: decided, and journaled with how it ended. */
  #act(
    input: { readonly act: string; readonly approvalId: string; readonly reason: string },
    { tool }: ApprovalTermsGiven,
    principal: Principal,
  ): { readonly finish: (change: () => Promise<GivenApproval>) => Promise<Json> } {
    const run = this.#parts
      .engine()
      .record({ workflow: "tutti.approval-act", action: "run.approve", kind: "approval", name: tool, input }, principal);
    return {
      finish: async (change) => {
        try {
          const changed = await change();
          await run.complete({ ...input });
          return shownGiven(changed, this.#nowMs());
        } catch (thrown) {
          const { code, message } = AppError.from(thrown);
          await run.fail(code, message);
          throw thrown;
        }
      },
    };
  }

  /** Writes to the next place of an approval's log what `make` says of it as it stands; whoever was quicker makes it look again. */
  async #change(id: string, make: (given: GivenApproval) => EventBody | undefined): Promise<GivenApproval> {
    return this.#inTurn(id, async () => {
      for (let conflicts = 0; conflicts < CONFLICTS_MAX; conflicts += 1) {
        const given = await this.#read(id);
        const body = make(given);
        if (body === undefined) return given;
        if (await this.#write(given, body)) return this.#read(id);
      }
      throw new AppError("overloaded", `wanted to write to the approval ${id}, got in the way of others ${CONFLICTS_MAX} times; try again`);
    });
  }

  async #write({ id, seq }: GivenApproval, body: EventBody): Promise<boolean> {
    try {
      await this.#parts.store.append([{ ...body, runId: id, seq: seq + 1, at: new Date(this.#nowMs()).toISOString() }]);
      return true;
    } catch (error) {
      if (error instanceof AppError && error.code === "conflict") return false;
      throw error;
    }
  }

  async #inTurn<T>(id: string, work: () => Promise<T>): Promise<T> {
    const turn = (this.#turns.get(id) ?? Promise.resolve()).then(work);
    const over = turn.catch(() => undefined).finally(() => this.#turns.get(id) === over && this.#turns.delete(id));
    this.#turns.set(id, over);
    return turn;
  }

  async #read(id: string): Promise<GivenApproval> {
    const given = readGiven(await this.#events(id));
    if (given !== undefined) return given;
    throw new AppError(
      "unknown_approval",
      `wanted an approval that was given, got "${id}", which is none; \`POST /v1/tools/approve\` gives one`,
    );
  }

  async #events(id: string): Promise<readonly Event[]> {
    const events: Event[] = [];
    for (;;) {
      const page = await this.#parts.store.read(id, { afterSeq: events.length, limit: PAGE });
      events.push(...page);
      // Any other run's log may be long, and is none of these.
      if (page.length < PAGE || events[0]?.type !== "run.recorded") return events;
    }
  }

  /** All of a kind, what expires first foremost. Only logs that went on since the last look are read again. */
  async #all(kind: keyof typeof GIVEN_WORKFLOWS): Promise<readonly GivenApproval[]> {
    const runs = await this.#parts.store.runs({ workflow: GIVEN_WORKFLOWS[kind], statuses: ["completed"], limit: GRANTS_MAX });
    const all: GivenApproval[] = [];
    for (const { id, head } of runs) {
      const known = this.#known.get(id);
      const given = known?.head === head ? known.given : readGiven(await this.#events(id));
      if (given === undefined) continue;
      if (kind === "grant") this.#known.set(id, { head, given });
      all.push(given);
    }
    for (const id of this.#known.keys()) if (this.#known.size > GRANTS_MAX * 2) this.#known.delete(id);
    return all.toSorted((a, b) => a.terms.expiresAt.localeCompare(b.terms.expiresAt));
  }

  /** Whoever approves their own call is told at once when that cannot help. */
  #refuseVain(
    { tool, input, terms }: { readonly tool: string; readonly input: Json; readonly terms: ApprovalTermsGiven },
    principal: Principal,
  ): void {
    if (terms.principal !== principal.id) return;
    const action: Action = { kind: "tool.call", principal, resource: tool, input };
    const decision = this.#parts.decide(action);
    if (decision.effect === "deny") enforce(action, decision);
    const problem = approverProblem(decision.approval ?? {}, { approver: principal, requester: principal }, this.#parts.ownerOf);
    if (problem !== undefined) throw new AppError("approver_mismatch", problem);
  }

  #now(): { readonly ms: number; readonly ownerOf?: EngineParts["ownerOf"] } {
    return { ms: this.#nowMs(), ownerOf: this.#parts.ownerOf };
  }

  #nowMs(): number {
    return this.#parts.nowMs?.() ?? Date.now();
  }

  #isoIn(ms: number): string {
    return new Date(this.#nowMs() + ms).toISOString();
  }
}

function requireOpen(given: GivenApproval, nowMs: number): void {
  const status = statusOfGiven(given, nowMs);
  if (status !== "open") throw new AppError("conflict", `wanted an approval that can be used, got ${given.id}, which is ${status}`);
}

function unwritten(): AppError {
  return new AppError("storage_unwritable", "the approval could not be written; `GET /ready` says why");
}

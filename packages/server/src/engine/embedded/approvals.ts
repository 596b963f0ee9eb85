import { AppError, type ApprovalRequest } from "@tutti/core";
import { iso, type Clock } from "../clock.ts";
import type { ApprovalAnswer, History } from "./history.ts";
import type { ExecutionHost, OperationCall } from "./operation.ts";
import { waitUntil } from "./timers.ts";

const WAIT_OVER = new AppError("cancelled", "the wait is over");

/** Approvals of one run: those answered, and those that wait for an answer, by the key of the step that asks. */
export class Approvals {
  readonly #answers: Map<string, ApprovalAnswer>;
  readonly #host: ExecutionHost;
  readonly #clock: Clock;
  readonly #waiting = new Map<string, (answer: ApprovalAnswer) => void>();

  constructor(history: History, host: ExecutionHost, clock: Clock) {
    this.#answers = new Map(history.answers);
    this.#host = host;
    this.#clock = clock;
  }

  isAnswered(key: string): boolean {
    return this.#answers.has(key);
  }

  /** Gives the answer to the step at `key`, also when a replay has not come to it yet. */
  answer(key: string, answer: ApprovalAnswer): void {
    this.#answers.set(key, answer);
    this.#waiting.get(key)?.(answer);
  }

  /** Waits for the answer; when nobody gives one in time, "timeout" does. */
  async ask(request: ApprovalRequest, call: OperationCall): Promise<ApprovalAnswer> {
    const { key, scope, progress } = call;
    const known = this.#answers.get(key);
    if (known !== undefined) return known;
    const until = progress?.until === undefined ? await this.#announce(request, key) : progress.until;
    const answer = Promise.withResolvers<ApprovalAnswer>();
    this.#waiting.set(key, answer.resolve);
    const patience = scope.fork("", 0);
    const goesOn = call.idle({ kind: "approval", name: request.question, since: iso(this.#clock.nowMs()), until });
    try {
      const untilMs = until === null ? Infinity : Date.parse(until);
      await Promise.race([answer.promise, waitUntil(untilMs, patience, this.#clock)]);
      // An answer that came in the same moment came first.
      return this.#answers.get(key) ?? this.#expire(request, key);
    } finally {
      goesOn();
      this.#waiting.delete(key);
      scope.end(patience, WAIT_OVER);
    }
  }

  async #announce(request: ApprovalRequest, key: string): Promise<string | null> {
    const until = request.timeoutMs === undefined ? null : iso(this.#clock.nowMs() + request.timeoutMs);
    const approval = request.detail === undefined ? request : { ...request, detail: await this.#host.toJournal(request.detail) };
    void this.#host.append([{ type: "step.waiting", key, kind: "approval", name: request.question, until, approval }]);
    return until;
  }

  #expire(request: ApprovalRequest, key: string): ApprovalAnswer {
    const answer = { approved: request.otherwise === "approve", by: "timeout", reason: `nobody answered within ${request.timeoutMs} ms` };
    this.#answers.set(key, answer);
    void this.#host.append([{ type: "approval.answered", key, ...answer }]);
    return answer;
  }
}

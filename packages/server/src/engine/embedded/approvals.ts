import { AppError, type ApprovalRequest } from "@tutti/core";
import type { Clock } from "../clock.ts";
import type { ApprovalAnswer, History } from "./history.ts";
import type { ExecutionHost, OperationCall } from "./operation.ts";
import { waitUntil } from "./timers.ts";

const WAIT_OVER = new AppError("cancelled", "the wait is over");

/** Approvals of one run: those answered, and those that wait for an answer, by the key of the step that asks. */
export class Approvals {
  readonly #answers: ReadonlyMap<string, ApprovalAnswer>;
  readonly #host: ExecutionHost;
  readonly #clock: Clock;
  readonly #waiting = new Map<string, (answer: ApprovalAnswer) => void>();

  constructor(history: History, host: ExecutionHost, clock: Clock) {
    this.#answers = history.answers;
    this.#host = host;
    this.#clock = clock;
  }

  /** Takes the right to answer: true once for each step that asks. */
  claim(key: string): ((answer: ApprovalAnswer) => void) | undefined {
    const resolve = this.#waiting.get(key);
    this.#waiting.delete(key);
    return resolve;
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
    const goesOn = call.idle({ kind: "approval", name: request.question, since: this.#now(), until });
    try {
      const untilMs = until === null ? Infinity : Date.parse(until);
      return (
        (await Promise.race([answer.promise, waitUntil(untilMs, patience, this.#clock)])) ??
        (await this.#expire(request, key, answer.promise))
      );
    } finally {
      goesOn();
      this.#waiting.delete(key);
      scope.end(patience, WAIT_OVER);
    }
  }

  async #announce(request: ApprovalRequest, key: string): Promise<string | null> {
    const until = request.timeoutMs === undefined ? null : new Date(this.#clock.nowMs() + request.timeoutMs).toISOString();
    const approval = request.detail === undefined ? request : { ...request, detail: await this.#host.toJournal(request.detail) };
    void this.#host.append([{ type: "step.waiting", key, kind: "approval", name: request.question, until, approval }]);
    return until;
  }

  async #expire(request: ApprovalRequest, key: string, answered: Promise<ApprovalAnswer>): Promise<ApprovalAnswer> {
    // Somebody's answer is on its way to the disk: it came first.
    if (this.claim(key) === undefined) return answered;
    const answer = { approved: request.otherwise === "approve", by: "timeout", reason: `nobody answered within ${request.timeoutMs} ms` };
    void this.#host.append([{ type: "approval.answered", key, ...answer }]);
    return answer;
  }

  #now(): string {
    return new Date(this.#clock.nowMs()).toISOString();
  }
}

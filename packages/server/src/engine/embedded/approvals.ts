import { AppError, type ApprovalRequest } from "@tutti/core";
import type { EditedInput } from "@tutti/core/policy";
import { iso, type Clock } from "../clock.ts";
import type { ApprovalAnswer, History } from "./history.ts";
import type { ExecutionHost, OperationCall } from "./operation.ts";
import { waitUntil } from "./timers.ts";

const WAIT_OVER = new AppError("cancelled", "the wait is over");
const TIMEOUT = "timeout";

/** What the answers to one request come to. `edited` is the input that was approved instead of the one that was asked about. */
export interface Verdict {
  readonly approved: boolean;
  readonly by: readonly string[];
  readonly reason: string;
  readonly edited?: EditedInput | undefined;
}

/** Approvals of one run: those answered, and those that wait for an answer, by the key of the step that asks. */
export class Approvals {
  readonly #answers: Map<string, readonly ApprovalAnswer[]>;
  readonly #host: ExecutionHost;
  readonly #clock: Clock;
  readonly #waiting = new Map<string, () => void>();

  constructor(history: History, host: ExecutionHost, clock: Clock) {
    this.#answers = new Map(history.answers);
    this.#host = host;
    this.#clock = clock;
  }

  answersTo(key: string): readonly ApprovalAnswer[] {
    return this.#answers.get(key) ?? [];
  }

  /** Gives an answer to the step at `key`, also when a replay has not come to it yet. */
  answer(key: string, answer: ApprovalAnswer): void {
    this.#answers.set(key, [...this.answersTo(key), answer]);
    this.#waiting.get(key)?.();
  }

  /** Waits until enough people have approved or one has refused; when nobody answers in time, "timeout" does. */
  async ask(request: ApprovalRequest, call: OperationCall): Promise<Verdict> {
    const { key, scope, progress } = call;
    const known = verdictOf(this.answersTo(key), request);
    if (known !== undefined) return known;
    const until = progress?.until === undefined ? await this.#announce(request, key) : progress.until;
    const settled = Promise.withResolvers<void>();
    this.#waiting.set(key, () => {
      if (verdictOf(this.answersTo(key), request) !== undefined) settled.resolve();
    });
    const patience = scope.fork("", 0);
    const goesOn = call.idle({ kind: "approval", name: request.question, since: iso(this.#clock.nowMs()), until });
    try {
      const untilMs = until === null ? Infinity : Date.parse(until);
      await Promise.race([settled.promise, waitUntil(untilMs, patience, this.#clock)]);
      // An answer that came in the same moment came first.
      return verdictOf(this.answersTo(key), request) ?? this.#expire(request, key);
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

  #expire(request: ApprovalRequest, key: string): Verdict {
    const answer = { approved: request.otherwise === "approve", by: TIMEOUT, reason: `nobody answered within ${request.timeoutMs} ms` };
    this.#answers.set(key, [...this.answersTo(key), answer]);
    void this.#host.append([{ type: "approval.answered", key, ...answer }]);
    return { ...answer, by: [TIMEOUT] };
  }
}

/** What the answers so far come to; `undefined` while more people have to approve. One refusal decides, and so does the end of the time. */
export function verdictOf(
  answers: readonly ApprovalAnswer[],
  { approvalsMin = 1 }: Pick<ApprovalRequest, "approvalsMin">,
): Verdict | undefined {
  const decisive = answers.find(({ approved, by }) => !approved || by === TIMEOUT);
  if (decisive !== undefined) return { approved: decisive.approved, by: [decisive.by], reason: decisive.reason };
  const counted = answersToNewest(answers);
  const by = [...new Set(counted.map((answer) => answer.by))];
  if (by.length < Math.max(approvalsMin, counted[0]?.edited?.approvalsMin ?? 1)) return undefined;
  const reason = counted.flatMap((answer) => (answer.reason === "" ? [] : [answer.reason])).join("; ");
  return { approved: true, by, reason, edited: counted[0]?.edited };
}

/** The approvals of what is asked about now: whoever changes the input asks the others again. */
export function answersToNewest(answers: readonly ApprovalAnswer[]): readonly ApprovalAnswer[] {
  return answers.slice(
    Math.max(
      0,
      answers.findLastIndex(({ edited }) => edited !== undefined),
    ),
  );
}

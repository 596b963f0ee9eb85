import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ApprovalEntry } from "@tutti/client";
import { Check, Pencil, ShieldAlert, X } from "lucide-react";
import { useState, type ReactNode, type Ref } from "react";
import { Button } from "../../parts/button.tsx";
import { CopyButton } from "../../parts/copy.tsx";
import { Facts } from "../../parts/facts.tsx";
import { TextField, Toggle } from "../../parts/fields.tsx";
import { JsonView } from "../../parts/json-view.tsx";
import { Moment, useNow } from "../../parts/time.tsx";
import { hasHidden, visible } from "../../parts/visible.ts";
import { duration, shortId } from "../../parts/words.ts";
import { isLong, isUrgent, otherwiseWords, reasonOf, subjectOf } from "./approval-words.ts";
import { answersQuery } from "./answers-given.ts";
import type { useAnswer } from "./use-answer.ts";

interface AskedProps {
  readonly approval: ApprovalEntry;
  readonly answering: ReturnType<typeof useAnswer>;
  readonly onEdit: () => void;
  readonly reasonBox: Ref<HTMLInputElement>;
}

/** Everything that somebody needs to know before they answer, and the answer. Make it anew for another approval. */
export function AskedApproval({ approval, answering, onEdit, reasonBox }: AskedProps): ReactNode {
  const { call, detail, runId, key } = approval;
  const [reason, setReason] = useState("");
  const [isRead, setRead] = useState(false);
  const mustRead = isLong(detail) && !isRead;
  const answer = (approved: boolean): void =>
    answering.mutate({ approval, answer: { approved, reason: reason.trim(), ...(call !== undefined && { argsHash: call.argsHash }) } });
  return (
    <article aria-label={`Approval of ${subjectOf(approval)}`} className="panel flex min-w-0 flex-col gap-4 p-4">
      <header>
        <h2 className="text-base font-semibold break-words" dir="auto">
          {visible(subjectOf(approval))}
        </h2>
        {call !== undefined && (
          <p className="mt-0.5 text-[13px] text-ink-2" dir="auto">
            {visible(reasonOf(approval))}
          </p>
        )}
      </header>
      <ApprovalFacts approval={approval} />
      {detail !== undefined && (
        <section aria-label="Input" className="flex flex-col gap-1.5">
          <h3 className="text-xs font-semibold text-ink-2">{call === undefined ? "What there is to know" : "The input, whole"}</h3>
          {hasHidden(JSON.stringify(detail)) && (
            <p className="flex items-center gap-1.5 text-xs text-orange">
              <ShieldAlert aria-hidden className="size-3.5" />
              It holds characters that cannot be seen; they stand as \u escapes below.
            </p>
          )}
          <JsonView value={detail} label="the input" openTo={8} />
        </section>
      )}
      <form aria-label="Answer" className="flex flex-col gap-3 border-t border-line pt-4" onSubmit={(event) => event.preventDefault()}>
        <TextField
          ref={reasonBox}
          label="Reason (may be left empty)"
          help="An answer cannot be taken back: the run goes on with it at once, and it stands in the log."
          value={reason}
          maxLength={2000}
          onChange={({ target }) => setReason(target.value)}
        />
        {isLong(detail) && <Toggle label="I have looked at the whole input" isOn={isRead} onChange={setRead} />}
        <div className="flex flex-wrap gap-2">
          <Button tone="primary" isBusy={answering.isPending} disabled={mustRead} onClick={() => answer(true)}>
            <Check aria-hidden className="size-3.5" />
            Approve
          </Button>
          <Button tone="danger" isBusy={answering.isPending} onClick={() => answer(false)}>
            <X aria-hidden className="size-3.5" />
            Deny
          </Button>
          {call !== undefined && (
            <Button disabled={answering.isPending} onClick={onEdit}>
              <Pencil aria-hidden className="size-3.5" />
              Edit and approve …
            </Button>
          )}
          <span className="grow" />
          <Link to="/runs/$runId" params={{ runId }} className="self-center text-[13px] text-blue underline">
            {`Run ${shortId(runId)}, step ${key}`}
          </Link>
        </div>
      </form>
    </article>
  );
}

function ApprovalFacts({ approval }: { readonly approval: ApprovalEntry }): ReactNode {
  const { call, approvers, isFourEyes, since, until, approvalsMin = 1 } = approval;
  const { data: given } = useQuery(answersQuery(approval));
  return (
    <Facts
      facts={{
        Asked: <Moment at={since} />,
        Until: until === null ? "no end: it waits until somebody answers" : <Countdown approval={approval} until={until} />,
        "Acts for": call?.principalId,
        Rule: call?.rule,
        "May answer": approvers?.join(" or "),
        "Four eyes": isFourEyes === true ? "not whoever the run acts for" : undefined,
        Approvals: approvalsMin === 1 ? undefined : approvalsWords(approvalsMin, given),
        Hash:
          call === undefined ? undefined : (
            <span className="flex items-center gap-1" dir="ltr">
              <span className="truncate font-mono text-xs" title={call.argsHash}>
                {call.argsHash}
              </span>
              <CopyButton text={call.argsHash} label="Copy the input's hash" />
            </span>
          ),
      }}
    />
  );
}

function approvalsWords(wanted: number, given: readonly string[] | undefined): string {
  if (given === undefined) return `${wanted} are wanted, of different people`;
  const left = Math.max(0, wanted - given.length);
  const by = given.length === 0 ? "nobody yet" : given.join(", ");
  return `${left} more of ${wanted}; given by ${by}`;
}

/** How much time is left, second by second. */
function Countdown({ approval, until }: { readonly approval: ApprovalEntry; readonly until: string }): ReactNode {
  const nowMs = useNow();
  const leftMs = Date.parse(until) - nowMs;
  return (
    <span className={isUrgent(approval, nowMs) ? "text-orange" : undefined}>
      <time dateTime={until} className="tabular-nums">
        {leftMs <= 0 ? "the time is over" : `${duration(leftMs)} left`}
      </time>
      , {otherwiseWords(approval)}
    </span>
  );
}

import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { COUNTED_APPROVALS_MAX, type ApprovalEntry } from "@tutti/client";
import { PartyPopper } from "lucide-react";
import { useMemo, useRef, useState, type ReactNode } from "react";
import { useLatest } from "../../latest.ts";
import { cx } from "../../parts/class-names.ts";
import { Queried } from "../../parts/queried.tsx";
import { Empty } from "../../parts/states.tsx";
import { Moment, useNow } from "../../parts/time.tsx";
import { visible } from "../../parts/visible.ts";
import { countUpTo, duration } from "../../parts/words.ts";
import { approvalsQuery, useApprovalsTotal } from "../../queries.ts";
import { useActions, type ShellAction } from "../../shell/actions.ts";
import { approvalId, isUrgent, reasonOf, subjectOf } from "./approval-words.ts";
import { AskedApproval } from "./asked-approval.tsx";
import { EditApproval } from "./edit-approval.tsx";
import { useAnswer } from "./use-answer.ts";

/** Characters of an input that tell entries of the list apart. */
const BEGINNING = 120;

/** What runs ask of people now, the most urgent first; one of them is open. */
export function AskedApprovals(): ReactNode {
  const approvals = useQuery(approvalsQuery);
  return (
    <Queried query={approvals} lines={6}>
      {(all) =>
        all.length === 0 ? (
          <Empty icon={PartyPopper} title="Nobody waits for you">
            When a run asks before it acts, it stands here at once, in every browser. A rule in{" "}
            <code className="font-mono">tool_policy.yaml</code> says what is asked about;{" "}
            <code className="font-mono">tutti run examples/expense-approval</code> asks something.
          </Empty>
        ) : (
          <Asked approvals={all} />
        )
      }
    </Queried>
  );
}

function Asked({ approvals }: { readonly approvals: readonly ApprovalEntry[] }): ReactNode {
  const total = useApprovalsTotal();
  const { approval: openId } = useSearch({ from: "/approvals" });
  const navigate = useNavigate();
  const answering = useAnswer();
  const [editing, setEditing] = useState<ApprovalEntry>();
  const reasonBox = useRef<HTMLInputElement>(null);
  // What somebody reads stays until it is answered, whatever comes before it meanwhile: the button they press is that of what they read.
  const [shownId, setShownId] = useState<string>();
  const placeOf = (id: string | undefined): number => approvals.findIndex((one) => approvalId(one) === id);
  const found = placeOf(openId);
  const at = found === -1 ? Math.max(0, placeOf(shownId)) : found;
  const open = approvals[at];
  if (open !== undefined && approvalId(open) !== shownId) setShownId(approvalId(open));
  const show = (approval: ApprovalEntry | undefined): void =>
    void (approval !== undefined && navigate({ to: "/approvals", search: { approval: approvalId(approval) }, replace: true }));
  const move = (by: number): void => show(approvals[Math.max(0, Math.min(approvals.length - 1, at + by))]);
  useApprovalActions({ move, focus: () => reasonBox.current?.focus(), edit: () => open?.call !== undefined && setEditing(open) });
  return (
    <div className="grid items-start gap-4 lg:grid-cols-[minmax(16rem,22rem)_minmax(0,1fr)]">
      <div className="flex min-w-0 flex-col gap-2">
        <ul aria-label="Asked" className="panel max-h-72 overflow-y-auto lg:max-h-[calc(100dvh-12rem)]">
          {approvals.map((approval) => (
            <Entry key={approvalId(approval)} approval={approval} isOpen={approval === open} onOpen={() => show(approval)} />
          ))}
        </ul>
        {total > approvals.length && (
          <p className="text-xs text-ink-2">
            The {approvals.length} most urgent of {countUpTo(total, COUNTED_APPROVALS_MAX)}; the others follow as these are answered.
          </p>
        )}
      </div>
      <div className="flex min-w-0 flex-col gap-3">
        {openId !== undefined && found === -1 && (
          <p role="status" className="text-[13px] text-ink-2">
            The approval of this address is answered, or its time is over. This is another one.
          </p>
        )}
        {open !== undefined && (
          <AskedApproval
            key={`${approvalId(open)} ${open.call?.argsHash ?? ""}`}
            approval={open}
            answering={answering}
            onEdit={() => setEditing(open)}
            reasonBox={reasonBox}
          />
        )}
      </div>
      {editing !== undefined && <EditApproval approval={editing} onClose={() => setEditing(undefined)} />}
    </div>
  );
}

interface EntryProps {
  readonly approval: ApprovalEntry;
  readonly isOpen: boolean;
  readonly onOpen: () => void;
}

function Entry({ approval, isOpen, onOpen }: EntryProps): ReactNode {
  const { call, detail, since, until } = approval;
  return (
    <li className="border-b border-line/60 last:border-b-0">
      <button
        type="button"
        aria-current={isOpen}
        onClick={onOpen}
        className={cx(
          "flex w-full flex-col gap-0.5 px-3 py-2.5 text-start outline-offset-[-2px]",
          isOpen ? "bg-ground-3" : "hover:bg-ground-2",
        )}
      >
        <span className="flex w-full items-baseline gap-2">
          <span className="min-w-0 grow truncate text-[13px] font-semibold" dir="auto">
            {visible(subjectOf(approval))}
          </span>
          {until !== null && <Left approval={approval} until={until} />}
        </span>
        <span className="w-full truncate text-xs text-ink-2" dir="auto">
          {call === undefined ? "asked by the workflow" : visible(reasonOf(approval))}
        </span>
        {detail !== undefined && (
          <span className="w-full truncate font-mono text-[11px] text-ink-2" dir="auto">
            {visible(JSON.stringify(detail).slice(0, BEGINNING))}
          </span>
        )}
        <span className="text-xs text-ink-3">
          asked <Moment at={since} />
        </span>
      </button>
    </li>
  );
}

function Left({ approval, until }: { readonly approval: ApprovalEntry; readonly until: string }): ReactNode {
  const nowMs = useNow();
  return (
    <span className={cx("shrink-0 text-xs whitespace-nowrap tabular-nums", isUrgent(approval, nowMs) ? "text-orange" : "text-ink-2")}>
      {duration(Math.max(0, Date.parse(until) - nowMs))} left
    </span>
  );
}

interface Moves {
  readonly move: (by: number) => void;
  readonly focus: () => void;
  readonly edit: () => unknown;
}

/** The keyboard never approves by itself: it goes to the answer, where somebody says it. */
function useApprovalActions(moves: Moves): void {
  const now = useLatest(moves);
  const actions = useMemo((): readonly ShellAction[] => {
    const group = "Approvals";
    return [
      { id: "approvals next", title: "Next approval", group, keys: "j", run: () => now.current.move(1) },
      { id: "approvals before", title: "Approval before", group, keys: "k", run: () => now.current.move(-1) },
      {
        id: "approvals answer",
        title: "Answer this approval",
        group,
        keys: "a",
        words: "approve deny refuse",
        run: () => now.current.focus(),
      },
      { id: "approvals edit", title: "Edit the input and approve it", group, keys: "e", run: () => now.current.edit() },
    ];
  }, [now]);
  useActions(actions);
}

import { useQueryClient } from "@tanstack/react-query";
import type { ApprovalEntry } from "@tutti/client";
import { useState, type ReactNode } from "react";
import { Button } from "../../../parts/button.tsx";
import { TextField } from "../../../parts/fields.tsx";
import { JsonView } from "../../../parts/json-view.tsx";
import { Moment } from "../../../parts/time.tsx";
import { complain, say } from "../../../parts/toasts.tsx";
import { Window } from "../../../parts/window.tsx";
import { client } from "../../../server.ts";

interface ApprovalsWindowProps {
  readonly approvals: readonly ApprovalEntry[];
  readonly isOpen: boolean;
  readonly onClose: () => void;
}

/** What the run asks of people, one by one, and a place to answer. */
export function ApprovalsWindow({ approvals, isOpen, onClose }: ApprovalsWindowProps): ReactNode {
  return (
    <Window title="What the run asks" isOpen={isOpen} onClose={onClose} isWide>
      <ul className="flex flex-col gap-4">
        {approvals.map((approval) => (
          <li key={approval.key} className="panel p-4">
            <Asked approval={approval} onAnswered={approvals.length === 1 ? onClose : undefined} />
          </li>
        ))}
      </ul>
    </Window>
  );
}

function Asked({ approval, onAnswered }: { readonly approval: ApprovalEntry; readonly onAnswered: (() => void) | undefined }): ReactNode {
  const [reason, setReason] = useState("");
  const [isSent, setSent] = useState(false);
  const queries = useQueryClient();
  const answer = async (approved: boolean): Promise<void> => {
    setSent(true);
    try {
      await client.answerApproval(approval, {
        approved,
        reason: reason.trim() === "" ? (approved ? "approved in the console" : "denied in the console") : reason.trim(),
        argsHash: approval.call?.argsHash,
      });
      say(approved ? "Approved." : "Denied.");
      onAnswered?.();
      await queries.invalidateQueries({ queryKey: ["approvals"] });
    } catch (thrown) {
      complain(thrown);
      setSent(false);
    }
  };
  return (
    <div className="flex flex-col gap-3">
      <p className="text-sm font-medium break-words" dir="auto">
        {approval.question}
      </p>
      <p className="text-xs text-ink-3">
        Asked <Moment at={approval.since} />
        {approval.until !== null && (
          <>
            , until <Moment at={approval.until} />
          </>
        )}
      </p>
      {approval.detail !== undefined && <JsonView value={approval.detail} label="What it is about" openTo={4} />}
      <TextField
        label="Reason"
        help="It stands in the log for whoever asks later."
        value={reason}
        maxLength={2000}
        onChange={(event) => setReason(event.target.value)}
      />
      <div className="flex justify-end gap-2">
        <Button tone="danger" disabled={isSent} onClick={() => void answer(false)}>
          Deny
        </Button>
        <Button tone="primary" disabled={isSent} onClick={() => void answer(true)}>
          Approve
        </Button>
      </div>
    </div>
  );
}

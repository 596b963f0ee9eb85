import type { ApprovalEntry } from "@tutti/client";
import { useRef, useState, type ReactNode } from "react";
import { Window } from "../../../parts/window.tsx";
import { AskedApproval } from "../../operations/asked-approval.tsx";
import { EditApproval } from "../../operations/edit-approval.tsx";
import { useAnswer } from "../../operations/use-answer.ts";

interface ApprovalsWindowProps {
  readonly approvals: readonly ApprovalEntry[];
  readonly onClose: () => void;
}

/** What the run asks of people, one by one, and a place to answer; the same as on the page of all approvals. */
export function ApprovalsWindow({ approvals, onClose }: ApprovalsWindowProps): ReactNode {
  const answering = useAnswer();
  const [editing, setEditing] = useState<ApprovalEntry>();
  const reasonBox = useRef<HTMLInputElement>(null);
  if (editing !== undefined) return <EditApproval approval={editing} onClose={() => setEditing(undefined)} />;
  return (
    <Window title="What the run asks" isOpen onClose={onClose} isWide>
      <div className="flex flex-col gap-4">
        {approvals.map((approval, index) => (
          <AskedApproval
            key={`${approval.key} ${approval.call?.argsHash ?? ""}`}
            approval={approval}
            answering={answering}
            onEdit={() => setEditing(approval)}
            reasonBox={index === 0 ? reasonBox : null}
          />
        ))}
      </div>
    </Window>
  );
}

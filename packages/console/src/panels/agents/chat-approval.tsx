import type { ApprovalEntry } from "@tutti/client";
import { useRef, useState, type ReactNode } from "react";
import { AskedApproval } from "../operations/asked-approval.tsx";
import { EditApproval } from "../operations/edit-approval.tsx";
import { useAnswer } from "../operations/use-answer.ts";

/** What an answer asks before it goes on, answered in place: approved, denied, or approved with another input. */
export function ChatApproval({ approval }: { readonly approval: ApprovalEntry }): ReactNode {
  const answering = useAnswer();
  const [isEditing, setEditing] = useState(false);
  const reasonBox = useRef<HTMLInputElement>(null);
  return (
    <>
      <AskedApproval approval={approval} answering={answering} onEdit={() => setEditing(true)} reasonBox={reasonBox} />
      {isEditing && <EditApproval approval={approval} onClose={() => setEditing(false)} />}
    </>
  );
}

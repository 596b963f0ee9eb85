import { useMutation } from "@tanstack/react-query";
import type { ApprovalEntry } from "@tutti/client";
import type { Json } from "@tutti/core";
import { Check, Hand, Pencil, X } from "lucide-react";
import { useState, type ReactNode } from "react";
import { Button } from "../../parts/button.tsx";
import { TextField } from "../../parts/fields.tsx";
import { JsonView } from "../../parts/json-view.tsx";
import { JsonField } from "../../parts/schema-form.tsx";
import { complain } from "../../parts/toasts.tsx";
import { client } from "../../server.ts";

interface ChatApprovalProps {
  readonly approval: ApprovalEntry;
  readonly onAnswered: () => void;
}

/** What an answer asks before it goes on: approve, deny, or approve another input. */
export function ChatApproval({ approval, onAnswered }: ChatApprovalProps): ReactNode {
  const { question, call, detail, runId, key } = approval;
  const [reason, setReason] = useState("");
  const [edited, setEdited] = useState<Json>();
  const answering = useMutation({
    mutationFn: (approved: boolean) =>
      client.answerApproval(
        { runId, key },
        {
          approved,
          reason,
          ...(call !== undefined && { argsHash: call.argsHash }),
          ...(approved && edited !== undefined && { input: edited }),
        },
      ),
    onSuccess: onAnswered,
    onError: complain,
  });
  return (
    <section aria-label={`Approval: ${question}`} className="flex flex-col gap-3 rounded-lg border border-orange bg-ground-1 p-3">
      <p className="flex items-start gap-2 text-[13px] font-medium" dir="auto">
        <Hand aria-hidden className="mt-0.5 size-4 shrink-0 text-orange" />
        {question}
      </p>
      {detail !== undefined && edited === undefined && <JsonView label="the input" value={detail} openTo={8} />}
      {edited !== undefined && <JsonField label="Input" value={edited} onChange={setEdited} />}
      <TextField label="Reason (may be left empty)" value={reason} maxLength={2000} onChange={({ target }) => setReason(target.value)} />
      <div className="flex flex-wrap gap-2">
        <Button tone="primary" isBusy={answering.isPending} onClick={() => answering.mutate(true)}>
          <Check aria-hidden className="size-3.5" />
          {edited === undefined ? "Approve" : "Approve this input"}
        </Button>
        <Button tone="danger" isBusy={answering.isPending} onClick={() => answering.mutate(false)}>
          <X aria-hidden className="size-3.5" />
          Deny
        </Button>
        {call !== undefined && (
          <Button tone="quiet" onClick={() => setEdited(edited === undefined ? (detail ?? {}) : undefined)}>
            <Pencil aria-hidden className="size-3.5" />
            {edited === undefined ? "Edit" : "As it was"}
          </Button>
        )}
      </div>
    </section>
  );
}

import { useQuery, useQueryClient } from "@tanstack/react-query";
import type { ApproveRequest } from "@tutti/client";
import { AppError } from "@tutti/core";
import { useState, type ReactNode } from "react";
import { useAction } from "../../action.ts";
import { Button } from "../../parts/button.tsx";
import { CopyButton } from "../../parts/copy.tsx";
import { Facts } from "../../parts/facts.tsx";
import { Choice, TextField } from "../../parts/fields.tsx";
import { JsonText, parsedJson } from "../../parts/json-text.tsx";
import { Failure } from "../../parts/states.tsx";
import { Window } from "../../parts/window.tsx";
import { clockTime } from "../../parts/words.ts";
import { toolsQuery } from "../../queries.ts";
import { client } from "../../server.ts";
import { HOLDS_MS } from "./spans.ts";

/** A call as the form has it. */
interface Draft {
  readonly tool: string;
  readonly text: string;
  readonly principal: string;
  readonly expiresInMs: string;
  readonly reason: string;
}

const EMPTY: Draft = { tool: "", text: "{}", principal: "", expiresInMs: "3600000", reason: "" };

/** Approves one call of a tool before it is made, and then shows what the call has to name. */
export function ApproveCallForm({ onClose }: { readonly onClose: () => void }): ReactNode {
  const queries = useQueryClient();
  const [draft, setDraft] = useState(EMPTY);
  const approving = useAction({
    // Within the promise, so that what the form says wrongly is shown like what the server refuses.
    mutationFn: async () => client.approveCall(requestOf(draft)),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["grants"] }),
  });
  const given = approving.data;
  const foot =
    given === undefined ? (
      <Button tone="primary" disabled={draft.tool === ""} isBusy={approving.isPending} onClick={() => approving.mutate()}>
        Approve the call
      </Button>
    ) : (
      <Button tone="primary" onClick={onClose}>
        Close
      </Button>
    );
  return (
    <Window
      title={given === undefined ? "Approve one call" : "The call is approved"}
      about="It holds for this tool and exactly this input, once. Policy decides again at the call: what it denies stays denied."
      isOpen
      onClose={onClose}
      foot={foot}
    >
      <div className="flex flex-col gap-3">
        {approving.error !== null && <Failure error={approving.error} />}
        {given === undefined ? <CallFields draft={draft} onChange={(part) => setDraft({ ...draft, ...part })} /> : <Given {...given} />}
      </div>
    </Window>
  );
}

function CallFields({ draft, onChange }: { readonly draft: Draft; readonly onChange: (part: Partial<Draft>) => void }): ReactNode {
  const { data: tools = [] } = useQuery(toolsQuery);
  return (
    <>
      <Choice
        label="Tool"
        value={draft.tool}
        options={[{ value: "", label: "Choose …" }, ...tools.map(({ name }) => ({ value: name, label: name }))]}
        onChange={({ target }) => onChange({ tool: target.value })}
      />
      <JsonText label="Input" text={draft.text} onText={(text) => onChange({ text })} />
      <TextField
        label="For (may be left empty)"
        help="The id of whoever will call. Empty: you."
        value={draft.principal}
        maxLength={200}
        onChange={({ target }) => onChange({ principal: target.value })}
      />
      <Choice
        label="Holds for"
        value={draft.expiresInMs}
        options={HOLDS_MS}
        onChange={({ target }) => onChange({ expiresInMs: target.value })}
      />
      <TextField
        label="Reason (may be left empty)"
        value={draft.reason}
        maxLength={2000}
        onChange={({ target }) => onChange({ reason: target.value })}
      />
    </>
  );
}

function Given({ approvalId, argsHash, expiresAt }: Awaited<ReturnType<typeof client.approveCall>>): ReactNode {
  return (
    <Facts
      facts={{
        approvalId: (
          <span className="flex items-center gap-1 font-mono text-xs" dir="ltr">
            {approvalId}
            <CopyButton text={approvalId} label="Copy the approval's id" />
          </span>
        ),
        Hash: (
          <span className="font-mono text-xs break-all" dir="ltr">
            {argsHash}
          </span>
        ),
        Expires: clockTime(expiresAt),
      }}
    />
  );
}

function requestOf({ tool, text, principal, expiresInMs, reason }: Draft): ApproveRequest {
  const input = parsedJson(text);
  if (!input.ok) throw new AppError("invalid_input", input.problem);
  const who = principal.trim();
  return { tool, input: input.value, expiresInMs: Number(expiresInMs), reason: reason.trim(), ...(who !== "" && { principal: who }) };
}

import type { ApprovalEntry } from "@tutti/client";
import { canonicalJson, type Json } from "@tutti/core";
import { diffJson, type JsonDifference } from "@tutti/core/insight";
import { useMemo, useState, type ReactNode } from "react";
import { Button } from "../../parts/button.tsx";
import { Facts } from "../../parts/facts.tsx";
import { TextField } from "../../parts/fields.tsx";
import { JsonText, parsedJson } from "../../parts/json-text.tsx";
import { Failure } from "../../parts/states.tsx";
import { visible } from "../../parts/visible.ts";
import { GoBack, Window } from "../../parts/window.tsx";
import { sha256 } from "../run/receipt/sha256.ts";
import { subjectOf } from "./approval-words.ts";
import { useAnswer } from "./use-answer.ts";

interface EditProps {
  readonly approval: ApprovalEntry;
  readonly onClose: () => void;
}

/** Another input instead of the one that is asked about. The server checks it by the tool's schema and by policy before it takes it. */
export function EditApproval({ approval, onClose }: EditProps): ReactNode {
  const { call, detail = null } = approval;
  const [text, setText] = useState(() => visible(JSON.stringify(detail, null, 2)));
  const [reason, setReason] = useState("");
  const answering = useAnswer({ complains: false });
  const input = parsedJson(text);
  const isSame = input.ok && canonicalJson(input.value) === canonicalJson(detail);
  const send = (): void => {
    if (!input.ok || isSame) return;
    const answer = { approved: true, reason: reason.trim(), input: input.value, ...(call !== undefined && { argsHash: call.argsHash }) };
    answering.mutate({ approval, answer }, { onSuccess: onClose });
  };
  return (
    <Window
      title={`Edit and approve ${visible(subjectOf(approval))}`}
      about="The tool is called with your input instead. It is checked by the tool's schema and decided again by policy; both inputs stand in the log. It cannot be taken back."
      isOpen
      onClose={onClose}
      isWide
      foot={
        <>
          <GoBack onClick={onClose} />
          <Button tone="primary" disabled={!input.ok || isSame} isBusy={answering.isPending} onClick={send}>
            Approve this input
          </Button>
        </>
      }
    >
      <div className="grid gap-4 lg:grid-cols-2">
        <div className="flex min-w-0 flex-col gap-3">
          <JsonText label="Input" text={text} onText={setText} />
          <TextField
            label="Reason (may be left empty)"
            value={reason}
            maxLength={2000}
            onChange={({ target }) => setReason(target.value)}
          />
        </div>
        <div className="flex min-w-0 flex-col gap-3">
          {answering.error !== null && <Failure error={answering.error} />}
          <Hashes before={call?.argsHash} input={input.ok ? input.value : undefined} />
          {input.ok && <Differences before={detail} after={input.value} />}
        </div>
      </div>
    </Window>
  );
}

function Hashes({ before, input }: { readonly before: string | undefined; readonly input: Json | undefined }): ReactNode {
  const text = input === undefined ? undefined : canonicalJson(input);
  const hash = useMemo(() => (text === undefined ? undefined : sha256(text)), [text]);
  const look = (value: ReactNode): ReactNode => (
    <span className="font-mono text-xs break-all" dir="ltr">
      {value}
    </span>
  );
  return (
    <div className="flex flex-col gap-1.5">
      <Facts
        facts={{
          "Hash asked about": before === undefined ? undefined : look(before),
          "Hash of yours": hash === undefined ? "the text is no JSON yet" : look(hash),
        }}
      />
      <p className="text-xs text-ink-3">Where the tool fills in what you leave out, the hash in the log is of the whole.</p>
    </div>
  );
}

function Differences({ before, after }: { readonly before: Json; readonly after: Json }): ReactNode {
  const { differences } = useMemo(() => diffJson(before, after), [before, after]);
  if (differences.length === 0) return <p className="text-[13px] text-ink-2">Nothing is changed yet.</p>;
  return (
    <section aria-label="What you change" className="flex flex-col gap-1.5">
      <h3 className="text-xs font-semibold text-ink-2">What you change</h3>
      <ul className="flex flex-col gap-1 font-mono text-xs">
        {differences.map((difference) => (
          <Difference key={difference.path} difference={difference} />
        ))}
      </ul>
    </section>
  );
}

function Difference({ difference }: { readonly difference: JsonDifference }): ReactNode {
  const said = (value: Json | undefined): string => (value === undefined ? "nothing" : visible(JSON.stringify(value)));
  return (
    <li className="break-words" dir="auto">
      <span className="text-violet">{difference.path === "" ? "all of it" : difference.path}</span>
      {": "}
      <del className="text-red">{said(difference.a)}</del>
      {" → "}
      <ins className="text-green no-underline">{said(difference.b)}</ins>
    </li>
  );
}

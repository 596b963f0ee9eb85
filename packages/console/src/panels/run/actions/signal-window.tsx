import type { Event } from "@tutti/core";
import { useState, type ReactNode } from "react";
import { useAction } from "../../../action.ts";
import { Button } from "../../../parts/button.tsx";
import { TextField } from "../../../parts/fields.tsx";
import { JsonText, parsedJson } from "../../../parts/json-text.tsx";
import { complain, say } from "../../../parts/toasts.tsx";
import { GoBack, Window } from "../../../parts/window.tsx";
import { client } from "../../../server.ts";
import type { RunFacts } from "../run-facts.ts";

interface SignalWindowProps {
  readonly facts: RunFacts;
  readonly events: readonly Event[];
  readonly onClose: () => void;
}

/** Sends a signal to the run: the one that it waits for, unless another is named. */
export function SignalWindow({ facts, events, onClose }: SignalWindowProps): ReactNode {
  const [name, setName] = useState(() => awaited(events) ?? "");
  const [text, setText] = useState("null");
  const value = parsedJson(text);
  const sending = useAction({
    mutationFn: () => client.signalRun(facts.runId, { name: name.trim(), value: value.ok ? value.value : null }),
    onSuccess: () => {
      say(`The signal “${name.trim()}” is sent.`);
      onClose();
    },
    onError: complain,
  });
  const canSend = name.trim() !== "" && value.ok;
  return (
    <Window
      title="Send a signal"
      about="The run takes it when it comes to wait for it; what it waits for now is filled in."
      isOpen
      onClose={onClose}
      foot={
        <>
          <GoBack onClick={onClose} />
          <Button tone="primary" disabled={!canSend} isBusy={sending.isPending} onClick={() => sending.mutate()}>
            Send
          </Button>
        </>
      }
    >
      <form
        className="flex flex-col gap-3"
        onSubmit={(event) => {
          event.preventDefault();
          if (canSend) sending.mutate();
        }}
      >
        <TextField label="Signal" value={name} maxLength={200} required onChange={(event) => setName(event.target.value)} />
        <JsonText label="Value (JSON)" text={text} onText={setText} />
      </form>
    </Window>
  );
}

/** The signal that the log says the run waits for. */
function awaited(events: readonly Event[]): string | undefined {
  const ended = new Set(events.flatMap((event) => (event.type === "step.completed" || event.type === "step.cancelled" ? [event.key] : [])));
  const waiting = events.findLast((event) => event.type === "step.waiting" && event.kind === "signal" && !ended.has(event.key));
  return waiting?.type === "step.waiting" ? waiting.name : undefined;
}

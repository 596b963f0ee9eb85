import { useQuery, useQueryClient } from "@tanstack/react-query";
import type { DeadLetterEntry, RetryRequest } from "@tutti/client";
import { AppError, canonicalJson } from "@tutti/core";
import { RotateCcw, Trash2 } from "lucide-react";
import { useState, type ReactNode } from "react";
import { useAction } from "../../action.ts";
import { Button } from "../../parts/button.tsx";
import { Confirm } from "../../parts/confirm.tsx";
import { Facts } from "../../parts/facts.tsx";
import { Choice } from "../../parts/fields.tsx";
import { JsonText, parsedJson } from "../../parts/json-text.tsx";
import { JsonView } from "../../parts/json-view.tsx";
import { Queried } from "../../parts/queried.tsx";
import { RunLink } from "../../parts/run-link.tsx";
import { Failure } from "../../parts/states.tsx";
import { Moment } from "../../parts/time.tsx";
import { say } from "../../parts/toasts.tsx";
import { visible } from "../../parts/visible.ts";
import { Window } from "../../parts/window.tsx";
import { count } from "../../parts/words.ts";
import { client } from "../../server.ts";

interface LetterWindowProps {
  readonly id: string;
  readonly onClose: () => void;
}

/** One dead letter: what failed, why, with what input; and what to do about it. */
export function DeadLetterWindow({ id, onClose }: LetterWindowProps): ReactNode {
  const letter = useQuery({ queryKey: ["dead letters", "one", id], queryFn: ({ signal }) => client.deadLetter(id, signal) });
  return (
    <Window title="Dead letter" about={letter.data?.source} isOpen onClose={onClose} isWide>
      <Queried query={letter}>{(entry) => <Letter letter={entry} onDone={onClose} />}</Queried>
    </Window>
  );
}

function Letter({ letter, onDone }: { readonly letter: DeadLetterEntry; readonly onDone: () => void }): ReactNode {
  const { status, error, attempts, since, runId, workflow, input, outcome } = letter;
  return (
    <div className="flex flex-col gap-4">
      <div role="group" aria-label="Error" className="rounded-lg border border-red p-3">
        <p className="text-[13px] font-semibold text-red">{error.code}</p>
        <p className="text-[13px] break-words whitespace-pre-wrap" dir="auto">
          {visible(error.message)}
        </p>
      </div>
      <Facts
        facts={{
          Status: status,
          Since: <Moment at={since} />,
          Workflow: workflow,
          Attempts: count(attempts),
          Run: runId === undefined ? undefined : <RunLink id={runId} />,
        }}
      />
      {status === "waiting" ? (
        <Retry letter={letter} onDone={onDone} />
      ) : (
        <>
          {input !== undefined && <JsonView value={input} label="the input" openTo={3} />}
          {outcome !== undefined && <JsonView value={outcome} label="what came of it" openTo={3} />}
        </>
      )}
    </div>
  );
}

function Retry({ letter, onDone }: { readonly letter: DeadLetterEntry; readonly onDone: () => void }): ReactNode {
  const { id, input = null } = letter;
  const queries = useQueryClient();
  const [from, setFrom] = useState<"step" | "start">("step");
  const [text, setText] = useState(() => visible(JSON.stringify(input, null, 2)));
  const [isDismissing, setDismissing] = useState(false);
  const readAgain = (): Promise<void> => queries.invalidateQueries({ queryKey: ["dead letters"] });
  const retrying = useAction({
    mutationFn: async () => client.retryDeadLetter(id, requestOf({ from, text }, letter)),
    onSuccess: async () => {
      await readAgain();
      say("It is tried again", { detail: "What came of it stands among those that are done with." });
      onDone();
    },
  });
  return (
    <div className="flex flex-col gap-3 border-t border-line pt-4">
      {retrying.error !== null && <Failure error={retrying.error} />}
      <Choice
        label="Try again"
        value={from}
        options={[
          { value: "step", label: "from the step that failed" },
          { value: "start", label: "from the start" },
        ]}
        onChange={({ target }) => setFrom(target.value === "start" ? "start" : "step")}
      />
      <JsonText label="Input" help="Change it, and the work is tried again with yours." text={text} onText={setText} />
      <div className="flex flex-wrap justify-end gap-2">
        <Button tone="danger" onClick={() => setDismissing(true)}>
          <Trash2 aria-hidden className="size-3.5" />
          Dismiss …
        </Button>
        <Button tone="primary" isBusy={retrying.isPending} disabled={!parsedJson(text).ok} onClick={() => retrying.mutate()}>
          <RotateCcw aria-hidden className="size-3.5" />
          Retry
        </Button>
      </div>
      <Confirm
        title="Dismiss this dead letter?"
        about="Nothing is done about it any more. Its run and its error stay in the log. It cannot be taken back."
        verb="Dismiss"
        done="The dead letter is dismissed"
        isDangerous
        reason="wanted"
        isOpen={isDismissing}
        onClose={() => setDismissing(false)}
        act={async (reason) => {
          await client.dismissDeadLetter(id, reason);
          await readAgain();
          onDone();
        }}
      />
    </div>
  );
}

/** The input goes along only when somebody changed it. */
function requestOf(
  { from, text }: { readonly from: "step" | "start"; readonly text: string },
  { input = null }: DeadLetterEntry,
): RetryRequest {
  const parsed = parsedJson(text);
  if (!parsed.ok) throw new AppError("invalid_input", parsed.problem);
  return { from, ...(canonicalJson(parsed.value) !== canonicalJson(input) && { input: parsed.value }) };
}

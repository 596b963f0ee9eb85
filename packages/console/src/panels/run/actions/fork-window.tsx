import type { Event, Json } from "@tutti/core";
import { readTrace } from "@tutti/core/insight";
import { useEffect, useMemo, useState, type ReactNode } from "react";
import { useAction } from "../../../action.ts";
import { Button } from "../../../parts/button.tsx";
import { Choice, Toggle } from "../../../parts/fields.tsx";
import { JsonText, parsedJson } from "../../../parts/json-text.tsx";
import { Failure } from "../../../parts/states.tsx";
import { complain, say } from "../../../parts/toasts.tsx";
import { GoBack, Window } from "../../../parts/window.tsx";
import { client } from "../../../server.ts";
import type { RunFacts } from "../run-facts.ts";
import { wholeValue } from "../../../stored-values.ts";

/** Steps that can be chosen; of longer runs the last ones. The address of a step can name any other. */
const STEPS_MAX = 500;

interface ForkWindowProps {
  readonly facts: RunFacts;
  readonly events: readonly Event[];
  /** The step before which the new run begins; "" to choose one. */
  readonly beforeKey: string;
  readonly onClose: () => void;
  readonly onForked: (runId: string) => void;
}

/** A value that a person may change: its text when they do. */
type Edit = string | undefined;

/** Starts a run whose log begins with a part of this one's, with another input or other outputs if somebody wants to know what would be. */
export function ForkWindow({ facts, events, beforeKey, onClose, onForked }: ForkWindowProps): ReactNode {
  const steps = useMemo(() => readTrace(events).spans, [events]);
  const [key, setKey] = useState(
    beforeKey === "" ? ((steps.findLast(({ status }) => status === "failed") ?? steps[0])?.key ?? "") : beforeKey,
  );
  const [input, setInput] = useState<Edit>();
  const [edited, setEdited] = useState<{ readonly key: string; readonly text: string }>();
  const earlier = steps
    .slice(
      0,
      steps.findIndex((step) => step.key === key),
    )
    .filter(({ status }) => status === "completed");
  const inputValue = input === undefined ? undefined : parsedJson(input);
  const outputValue = edited === undefined ? undefined : parsedJson(edited.text);
  const forking = useAction({
    mutationFn: async () =>
      (
        await client.forkRun(facts.runId, {
          ...(key !== "" && { beforeKey: key }),
          ...(inputValue?.ok === true && { input: inputValue.value }),
          ...(edited !== undefined && outputValue?.ok === true && { outputs: { [edited.key]: outputValue.value } }),
        })
      ).run.id,
    onSuccess: (runId) => {
      say("The fork is started.");
      onClose();
      onForked(runId);
    },
  });
  const isWrong = inputValue?.ok === false || outputValue?.ok === false;
  return (
    <Window
      title="Fork from a step"
      about="A new run begins with what was recorded before the step, and does it and all that follows anew. This run stays as it is."
      isOpen
      isWide
      onClose={onClose}
      foot={
        <>
          <GoBack onClick={onClose} />
          <Button tone="primary" disabled={isWrong || key === ""} isBusy={forking.isPending} onClick={() => forking.mutate()}>
            Fork
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-4">
        <Choice
          label="Begin before"
          value={key}
          options={steps.slice(-STEPS_MAX).map((step) => ({ value: step.key, label: `${step.key}  ${step.name} (${step.status})` }))}
          onChange={(event) => setKey(event.target.value)}
        />
        <EditedValue label="Another input" source={facts.input} text={input} onText={setInput} />
        {earlier.length > 0 && <EditedOutput steps={earlier} events={events} edited={edited} onEdited={setEdited} />}
        {forking.error !== null && <Failure error={forking.error} />}
      </div>
    </Window>
  );
}

interface EditedValueProps {
  readonly label: string;
  readonly source: Json;
  readonly text: Edit;
  readonly onText: (text: Edit) => void;
}

function EditedValue({ label, source, text, onText }: EditedValueProps): ReactNode {
  const load = async (): Promise<void> => onText(JSON.stringify(await wholeValue(source), null, 2));
  return (
    <div className="flex flex-col gap-2">
      <Toggle label={label} isOn={text !== undefined} onChange={(isOn) => (isOn ? void load().catch(complain) : onText(undefined))} />
      {text !== undefined && <JsonText label={`${label} (JSON)`} text={text} onText={onText} />}
    </div>
  );
}

interface EditedOutputProps {
  readonly steps: readonly { readonly key: string; readonly name: string }[];
  readonly events: readonly Event[];
  readonly edited: { readonly key: string; readonly text: string } | undefined;
  readonly onEdited: (edited: { readonly key: string; readonly text: string } | undefined) => void;
}

function EditedOutput({ steps, events, edited, onEdited }: EditedOutputProps): ReactNode {
  const load = async (key: string): Promise<void> => {
    const completed = events.findLast((event) => event.type === "step.completed" && event.key === key);
    onEdited({ key, text: JSON.stringify(completed?.type === "step.completed" ? await wholeValue(completed.output) : null, null, 2) });
  };
  const isGone = edited !== undefined && !steps.some(({ key }) => key === edited.key);
  // The step may have been left behind by the choice of another place to begin.
  useEffect(() => {
    if (isGone) onEdited(undefined);
  }, [isGone, onEdited]);
  const last = steps.at(-1)?.key ?? "";
  return (
    <div className="flex flex-col gap-2">
      <Toggle
        label="Another output of an earlier step"
        isOn={edited !== undefined}
        onChange={(isOn) => (isOn ? void load(last).catch(complain) : onEdited(undefined))}
      />
      {edited !== undefined && (
        <>
          <Choice
            label="Step"
            value={edited.key}
            options={steps.slice(-STEPS_MAX).map(({ key, name }) => ({ value: key, label: `${key}  ${name}` }))}
            onChange={(event) => void load(event.target.value).catch(complain)}
          />
          <JsonText label="Its output (JSON)" text={edited.text} onText={(next) => onEdited({ key: edited.key, text: next })} />
        </>
      )}
    </div>
  );
}

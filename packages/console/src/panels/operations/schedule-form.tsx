import { keepPreviousData, useQuery, useQueryClient } from "@tanstack/react-query";
import type { ScheduleEntry } from "@tutti/client";
import { useState, type ReactNode } from "react";
import { useAction } from "../../action.ts";
import { Button } from "../../parts/button.tsx";
import { Choice, TextField } from "../../parts/fields.tsx";
import { SchemaForm } from "../../parts/schema-form.tsx";
import { Failure } from "../../parts/states.tsx";
import { say } from "../../parts/toasts.tsx";
import { useSettled } from "../../parts/use-settled.ts";
import { GoBack, Window } from "../../parts/window.tsx";
import { workflowsQuery } from "../../queries.ts";
import { client } from "../../server.ts";
import { draftOf, NEW_SCHEDULE, requestOf, type ScheduleDraft } from "./schedule-draft.ts";
import { Ticks } from "./ticks.tsx";
import { TimingFields } from "./timing-fields.tsx";

const AHEAD = 6;

interface FormProps {
  /** The one to change; left out, a new one is made. */
  readonly schedule?: ScheduleEntry;
  /** Which workflow a new one starts, when that is known already. */
  readonly workflow?: string | undefined;
  readonly onClose: () => void;
}

/** Makes a schedule or changes one; shows while somebody types when it would be due. */
export function ScheduleForm({ schedule, workflow = "", onClose }: FormProps): ReactNode {
  const queries = useQueryClient();
  const [draft, setDraft] = useState(() => (schedule === undefined ? { ...NEW_SCHEDULE, workflow } : draftOf(schedule)));
  const change = (part: Partial<ScheduleDraft>): void => setDraft({ ...draft, ...part });
  const saving = useAction({
    mutationFn: async () => {
      const request = requestOf(draft, schedule?.when);
      return schedule === undefined ? client.createSchedule(request) : client.updateSchedule(request);
    },
    onSuccess: async ({ name }) => {
      await queries.invalidateQueries({ queryKey: ["schedules"] });
      say(schedule === undefined ? `Schedule ${name} is made` : `Schedule ${name} has other settings from now on`);
      onClose();
    },
  });
  return (
    <Window
      title={schedule === undefined ? "Make a schedule" : `Edit ${schedule.name}`}
      isOpen
      onClose={onClose}
      isWide
      foot={
        <>
          <GoBack onClick={onClose} />
          <Button
            tone="primary"
            isBusy={saving.isPending}
            disabled={draft.name === "" || draft.workflow === ""}
            onClick={() => saving.mutate()}
          >
            {schedule === undefined ? "Make it" : "Save"}
          </Button>
        </>
      }
    >
      <div className="grid gap-5 lg:grid-cols-[minmax(0,1.4fr)_minmax(0,1fr)]">
        <div className="flex min-w-0 flex-col gap-4">
          {saving.error !== null && <Failure error={saving.error} />}
          <What draft={draft} onChange={change} isNew={schedule === undefined} />
          <TimingFields draft={draft} onChange={change} />
          <Rules draft={draft} onChange={change} />
        </div>
        <Preview draft={draft} before={schedule?.when} />
      </div>
    </Window>
  );
}

interface PartProps {
  readonly draft: ScheduleDraft;
  readonly onChange: (part: Partial<ScheduleDraft>) => void;
}

function What({ draft, onChange, isNew }: PartProps & { readonly isNew: boolean }): ReactNode {
  const { data: workflows = [] } = useQuery(workflowsQuery);
  const chosen = workflows.find(({ name }) => name === draft.workflow);
  const names = [...new Set([...(draft.workflow === "" ? [] : [draft.workflow]), ...workflows.map(({ name }) => name)])];
  return (
    <>
      <div className="grid gap-3 sm:grid-cols-2">
        <TextField
          label="Name"
          help={isNew ? "Letters, digits, dots, dashes, colons. It stays." : "A schedule cannot be renamed: its name is who it is."}
          value={draft.name}
          disabled={!isNew}
          maxLength={200}
          onChange={({ target }) => onChange({ name: target.value })}
        />
        <Choice
          label="Workflow or agent"
          value={draft.workflow}
          options={[{ value: "", label: "Choose …" }, ...names.map((name) => ({ value: name, label: name }))]}
          onChange={({ target }) => onChange({ workflow: target.value })}
        />
      </div>
      {draft.workflow !== "" && (
        <section aria-label="Input">
          <h3 className="pb-1.5 text-xs font-semibold text-ink-2">Input</h3>
          <SchemaForm
            key={draft.workflow}
            schema={chosen?.inputSchema ?? {}}
            value={draft.input}
            onChange={(input) => onChange({ input })}
          />
        </section>
      )}
    </>
  );
}

function Rules({ draft, onChange }: PartProps): ReactNode {
  return (
    <div className="grid gap-3 sm:grid-cols-2">
      <Choice
        label="When the run before is still under way"
        value={draft.overlap}
        options={OVERLAPS}
        onChange={({ target }) => onChange({ overlap: OVERLAPS.find(({ value }) => value === target.value)?.value ?? "skip" })}
      />
      <Choice
        label="Ticks that were missed"
        value={draft.catchUp}
        options={CATCH_UPS}
        onChange={({ target }) => onChange({ catchUp: CATCH_UPS.find(({ value }) => value === target.value)?.value ?? "skip" })}
      />
      <TextField
        label="Jitter in seconds"
        help="Each tick starts up to so much later."
        type="number"
        min={0}
        max={86_400}
        value={draft.jitterSeconds}
        onChange={({ target }) => onChange({ jitterSeconds: target.value })}
      />
      <TextField
        label="Missed after seconds"
        help="A tick that could not start within this time was missed."
        type="number"
        min={0}
        value={draft.lateMaxSeconds}
        onChange={({ target }) => onChange({ lateMaxSeconds: target.value })}
      />
      <TextField
        label="Field for the tick's time (may be left empty)"
        value={draft.tickField}
        maxLength={200}
        onChange={({ target }) => onChange({ tickField: target.value })}
      />
    </div>
  );
}

const OVERLAPS = [
  { value: "skip", label: "skip the tick" },
  { value: "queue", label: "wait for it" },
  { value: "cancel", label: "cancel that run" },
  { value: "allow", label: "run beside it" },
] as const;

const CATCH_UPS = [
  { value: "skip", label: "are not made up for" },
  { value: "one", label: "the newest is made up for" },
  { value: "all", label: "all are made up for" },
] as const;

/** Asks the server, which knows calendars and time zones as the schedule will; about a schedule of any name, since it makes none. */
function Preview({ draft, before }: { readonly draft: ScheduleDraft; readonly before: ScheduleEntry["when"] | undefined }): ReactNode {
  const settled = useSettled(draft);
  const { kind, cron, timeZone, every, unit, at, jitterSeconds } = settled;
  const ticks = useQuery({
    queryKey: ["schedules", "preview", kind, kind === "cron" ? [cron, timeZone] : kind === "every" ? [every, unit] : [at], jitterSeconds],
    queryFn: async ({ signal }) => {
      const asked = requestOf(
        { ...settled, name: "preview", workflow: settled.workflow === "" ? "preview" : settled.workflow, input: null },
        before,
      );
      return client.previewSchedule(asked, AHEAD, signal);
    },
    placeholderData: keepPreviousData,
    retry: false,
  });
  return <Ticks title="It would be due" query={ticks} timeZone={kind === "cron" ? timeZone : undefined} />;
}

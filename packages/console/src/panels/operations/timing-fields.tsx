import type { ReactNode } from "react";
import { Choice, TextField } from "../../parts/fields.tsx";
import { UNITS_MS, type ScheduleDraft, type Unit } from "./schedule-draft.ts";

const KINDS = [
  { value: "cron", label: "by the calendar (cron)" },
  { value: "every", label: "at a fixed distance" },
  { value: "once", label: "once" },
] as const;
const UNITS = Object.keys(UNITS_MS) as readonly Unit[];
const HERE = Intl.DateTimeFormat().resolvedOptions().timeZone;
/** The reader's own zone first; UTC is what schedules have when they name none. */
const ZONES = [...new Set([HERE, "UTC", ...Intl.supportedValuesOf("timeZone")])].map((zone) => ({
  value: zone,
  label: zone === HERE ? `${zone} (here)` : zone,
}));

interface TimingProps {
  readonly draft: ScheduleDraft;
  readonly onChange: (part: Partial<ScheduleDraft>) => void;
}

/** When: by the calendar of a time zone, every so often, or once. */
export function TimingFields({ draft, onChange }: TimingProps): ReactNode {
  return (
    <div className="grid gap-3 sm:grid-cols-2">
      <div className="sm:col-span-2">
        <Choice
          label="When"
          value={draft.kind}
          options={KINDS}
          onChange={({ target }) => onChange({ kind: KINDS.find(({ value }) => value === target.value)?.value ?? "cron" })}
        />
      </div>
      {draft.kind === "cron" && <CronFields draft={draft} onChange={onChange} />}
      {draft.kind === "every" && <EveryFields draft={draft} onChange={onChange} />}
      {draft.kind === "once" && (
        <TextField
          label="At, in your own time zone"
          help={HERE}
          type="datetime-local"
          step={1}
          value={draft.at}
          onChange={({ target }) => onChange({ at: target.value })}
        />
      )}
    </div>
  );
}

function CronFields({ draft, onChange }: TimingProps): ReactNode {
  const zones = ZONES.some(({ value }) => value === draft.timeZone) ? ZONES : [{ value: draft.timeZone, label: draft.timeZone }, ...ZONES];
  return (
    <>
      <TextField
        label="Cron expression"
        help="Minute, hour, day of month, month, weekday; with seconds first, six fields."
        dir="ltr"
        spellCheck={false}
        value={draft.cron}
        maxLength={200}
        onChange={({ target }) => onChange({ cron: target.value })}
      />
      <Choice label="Time zone" value={draft.timeZone} options={zones} onChange={({ target }) => onChange({ timeZone: target.value })} />
    </>
  );
}

function EveryFields({ draft, onChange }: TimingProps): ReactNode {
  return (
    <>
      <TextField
        label="Every"
        type="number"
        min={0}
        step="any"
        value={draft.every}
        onChange={({ target }) => onChange({ every: target.value })}
      />
      <Choice
        label="Unit"
        value={draft.unit}
        options={UNITS.map((unit) => ({ value: unit, label: unit }))}
        onChange={({ target }) => onChange({ unit: UNITS.find((unit) => unit === target.value) ?? "minutes" })}
      />
    </>
  );
}

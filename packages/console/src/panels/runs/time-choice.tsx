import { useState, type ReactNode } from "react";
import { Button } from "../../parts/button.tsx";
import { TextField } from "../../parts/fields.tsx";
import { clockTime } from "../../parts/words.ts";
import { SPANS, type Span, type TimeFilter } from "./run-filters.ts";

const NAMES: Readonly<Record<Span, string>> = {
  "15m": "Last 15 minutes",
  "1h": "Last hour",
  "24h": "Last 24 hours",
  "7d": "Last 7 days",
  "30d": "Last 30 days",
};
const SPAN_NAMES = Object.keys(SPANS) as readonly Span[];

/** A time as the filter's button says it. */
export function timeWords(time: TimeFilter): string {
  if (time.type === "any") return "Any time";
  if (time.type === "last") return NAMES[time.span];
  const { since, until } = time;
  if (since === undefined) return `Until ${clockTime(until ?? "")}`;
  return until === undefined ? `Since ${clockTime(since)}` : `${clockTime(since)} – ${clockTime(until)}`;
}

/** Since when: one click, or two moments in the reader's own time zone. */
export function TimeChoice({ time, onTime }: { readonly time: TimeFilter; readonly onTime: (time: TimeFilter) => void }): ReactNode {
  const given = time.type === "between" ? time : undefined;
  const [since, setSince] = useState(localOf(given?.since));
  const [until, setUntil] = useState(localOf(given?.until));
  const isBackwards = since !== "" && until !== "" && since >= until;
  return (
    <div className="flex flex-col gap-3">
      <div role="group" aria-label="Started" className="grid grid-cols-2 gap-1.5">
        <Button tone={time.type === "any" ? "chosen" : "plain"} aria-pressed={time.type === "any"} onClick={() => onTime({ type: "any" })}>
          Any time
        </Button>
        {SPAN_NAMES.map((span) => {
          const isOn = time.type === "last" && time.span === span;
          return (
            <Button key={span} tone={isOn ? "chosen" : "plain"} aria-pressed={isOn} onClick={() => onTime({ type: "last", span })}>
              {NAMES[span]}
            </Button>
          );
        })}
      </div>
      <form
        className="flex flex-col gap-2 border-t border-line pt-3"
        onSubmit={(event) => {
          event.preventDefault();
          if (!isBackwards) onTime(betweenOf(since, until));
        }}
      >
        <TextField label="From" type="datetime-local" step={1} value={since} onChange={({ target }) => setSince(target.value)} />
        <TextField
          label="Until"
          type="datetime-local"
          step={1}
          value={until}
          problem={isBackwards ? "wanted an end after the beginning, got one before it" : undefined}
          onChange={({ target }) => setUntil(target.value)}
        />
        <Button type="submit" disabled={isBackwards}>
          Apply
        </Button>
      </form>
    </div>
  );
}

function betweenOf(since: string, until: string): TimeFilter {
  if (since === "" && until === "") return { type: "any" };
  return {
    type: "between",
    ...(since !== "" && { since: new Date(since).toISOString() }),
    ...(until !== "" && { until: new Date(until).toISOString() }),
  };
}

/** A moment as a field for local times wants it. */
function localOf(moment: string | undefined): string {
  if (moment === undefined) return "";
  const date = new Date(moment);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

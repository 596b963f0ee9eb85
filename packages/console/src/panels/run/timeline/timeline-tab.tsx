import { Search, ZoomIn, ZoomOut, Maximize } from "lucide-react";
import { useMemo, useState, type ReactNode } from "react";
import type { RunReading } from "@tutti/core/insight";
import { IconButton } from "../../../parts/button.tsx";
import { cx } from "../../../parts/class-names.ts";
import { Empty } from "../../../parts/states.tsx";
import { count, duration, several } from "../../../parts/words.ts";
import { useActions } from "../../../shell/actions.ts";
import { childRunOf } from "../child-run.ts";
import type { Address } from "../use-address.ts";
import { BAR_LOOKS } from "./bars.tsx";
import { Minimap } from "./minimap.tsx";
import { foundRows, timelineRows, type TimelineRow } from "./rows.ts";
import { StepPane } from "./step-pane.tsx";
import { readWindow } from "./time-window.ts";
import { useTimeWindow, type Viewing } from "./use-time-window.ts";
import { Waterfall } from "./waterfall.tsx";

interface TimelineTabProps {
  readonly reading: RunReading;
  readonly address: Address;
  /** Reads a child run, so that its steps can be shown. */
  readonly onOpenRun: (runId: string) => void;
  readonly onFork: (beforeKey: string) => void;
}

/** A run's steps over time, and the story of the one that is selected. */
export function TimelineTab({ reading, address, onOpenRun, onFork }: TimelineTabProps): ReactNode {
  const { search, change } = address;
  const [toggled, setToggled] = useState<ReadonlySet<string>>(new Set());
  const rows = useMemo(() => timelineRows(reading, toggled), [reading, toggled]);
  const text = search["find"] ?? "";
  const shown = useMemo(() => foundRows(rows, text), [rows, text]);
  const { startMs, endMs } = reading.plan;
  const whole = useMemo(() => ({ fromMs: startMs, toMs: Math.max(endMs, startMs + 1) }), [startMs, endMs]);
  const viewing = useTimeWindow(whole, readWindow(search["from"], search["to"]), (window) =>
    change({ from: window?.fromMs.toFixed(2), to: window?.toMs.toFixed(2) }),
  );
  useTimeActions(viewing);
  const selected = placeOfSpan(search["span"], reading.runId);
  const onToggle = (row: TimelineRow): void => {
    const child = row.type === "step" ? childRunOf(row.runId, { ...row, name: row.title }) : undefined;
    if (child !== undefined && row.isOpen === false) onOpenRun(child);
    setToggled((before) => before.symmetricDifference(new Set([row.id])));
  };
  return (
    <div className={cx("grid min-h-[32rem] gap-3", selected !== undefined && "lg:grid-cols-[minmax(0,1fr)_26rem]", "lg:h-full lg:min-h-0")}>
      <div className="flex h-[70dvh] min-h-0 min-w-0 flex-col gap-2 lg:h-full">
        <Toolbar viewing={viewing} found={shown} rows={rows} address={address} />
        <Minimap rows={rows} whole={whole} viewing={viewing} />
        <Waterfall
          rows={shown}
          whole={whole}
          viewing={viewing}
          selected={selected?.rowId}
          onSelect={(row) => {
            if (row.type === "fork" || row.type === "branch") onToggle(row);
            else change({ span: row.type === "run" ? undefined : spanOf(row, reading.runId) });
          }}
          onToggle={onToggle}
          empty={<Empty title="No step has these words">Look for a part of a step’s name, its kind, its state, or its key.</Empty>}
        />
        <Legend />
      </div>
      {selected !== undefined && (
        <StepPane
          key={selected.rowId}
          runId={selected.runId}
          stepKey={selected.key}
          reading={reading}
          onClose={() => change({ span: undefined })}
          onFork={onFork}
          onLog={(seq) => change({ tab: "log", seq: String(seq) }, "push")}
        />
      )}
    </div>
  );
}

/** What stands for a step in the address: its key, behind its run when that is another. */
function spanOf({ runId, key }: TimelineRow, ownRunId: string): string {
  return runId === ownRunId ? key : `${runId}/${key}`;
}

function placeOfSpan(
  span: string | undefined,
  ownRunId: string,
): { readonly runId: string; readonly key: string; readonly rowId: string } | undefined {
  if (span === undefined || span === "") return undefined;
  const [runId, key] = span.includes("/") ? [span.slice(0, span.indexOf("/")), span.slice(span.indexOf("/") + 1)] : [ownRunId, span];
  return { runId, key, rowId: `${runId}/${key}` };
}

function useTimeActions(viewing: Viewing): void {
  const actions = useMemo(
    () => [
      { id: "time in", title: "Zoom in on the timeline", group: "Run", keys: "+", run: viewing.zoomIn },
      { id: "time out", title: "Zoom out of the timeline", group: "Run", keys: "-", run: viewing.zoomOut },
      { id: "time all", title: "Show the whole run", group: "Run", keys: "0", run: viewing.showAll },
      { id: "time back", title: "Earlier on the timeline", group: "Run", keys: "[", run: viewing.earlier },
      { id: "time on", title: "Later on the timeline", group: "Run", keys: "]", run: viewing.later },
      { id: "steps j", title: "Go into the steps", group: "Run", keys: "j", run: intoSteps },
      { id: "find step", title: "Find a step", group: "Run", keys: "f", run: () => document.getElementById("find-step")?.focus() },
    ],
    [viewing],
  );
  useActions(actions);
}

/** Gives the keyboard to the steps. */
function intoSteps(): void {
  document.querySelector<HTMLElement>("[role=treegrid] [role=row][tabindex='0']")?.focus();
}

interface ToolbarProps {
  readonly viewing: Viewing;
  readonly found: readonly TimelineRow[];
  readonly rows: readonly TimelineRow[];
  readonly address: Address;
}

function Toolbar({ viewing, found, rows, address: { search, change } }: ToolbarProps): ReactNode {
  const text = search["find"] ?? "";
  const { window } = viewing;
  return (
    <div className="flex flex-wrap items-center gap-1.5">
      <label className="relative flex min-w-40 grow items-center max-sm:basis-full sm:max-w-80">
        <span className="sr-only">Find a step</span>
        <Search aria-hidden className="absolute start-2 size-3.5 text-ink-3" />
        <input
          id="find-step"
          type="search"
          dir="auto"
          placeholder="Find a step"
          value={text}
          onChange={(event) => change({ find: event.target.value === "" ? undefined : event.target.value })}
          className="h-8 w-full rounded-md border border-line-strong bg-ground ps-7 pe-2 text-[13px] text-ink placeholder:text-ink-3"
        />
      </label>
      <span role="status" className="text-xs text-ink-3 tabular-nums">
        {text === "" ? several(rows.filter(({ type }) => type === "step").length, "step") : `${count(found.length)} found`}
      </span>
      <span className="grow" />
      {!viewing.isWhole && <span className="text-xs text-ink-3 tabular-nums">{duration(window.toMs - window.fromMs)} in sight</span>}
      <IconButton label="Zoom in" onClick={viewing.zoomIn}>
        <ZoomIn aria-hidden className="size-4" />
      </IconButton>
      <IconButton label="Zoom out" onClick={viewing.zoomOut}>
        <ZoomOut aria-hidden className="size-4" />
      </IconButton>
      <IconButton label="Show the whole run" onClick={viewing.showAll} disabled={viewing.isWhole}>
        <Maximize aria-hidden className="size-4" />
      </IconButton>
    </div>
  );
}

const SHOWN_LOOKS = ["work", "lost", "wait", "queued"] as const;

function Legend(): ReactNode {
  return (
    <p className="flex flex-wrap items-center gap-x-4 gap-y-1 text-[11px] text-ink-3">
      {SHOWN_LOOKS.map((style) => (
        <span key={style} className="inline-flex items-center gap-1.5">
          <span aria-hidden className={cx("w-4 rounded-[3px]", BAR_LOOKS[style].look)} />
          {BAR_LOOKS[style].word}
        </span>
      ))}
      <span className="inline-flex items-center gap-1.5">
        <span aria-hidden className="h-3 w-4 rounded-[3px] outline-2 -outline-offset-2 outline-orange" />
        on the critical path: it decided when the run ended
      </span>
      <span className="hidden sm:inline">Ctrl and wheel zoom, Shift and wheel or dragging move.</span>
    </p>
  );
}

import { useNavigate } from "@tanstack/react-router";
import { Search, X } from "lucide-react";
import { useImperativeHandle, useRef, useState, type ReactNode, type Ref } from "react";
import { Button } from "../../parts/button.tsx";
import { TextField, Toggle } from "../../parts/fields.tsx";
import { cx } from "../../parts/class-names.ts";
import { Flyout } from "../../parts/flyout.tsx";
import { shortId } from "../../parts/words.ts";
import { client } from "../../server.ts";
import { Keys } from "../../shell/keys.tsx";
import { isEverything, isRunId, type RunFilters } from "./run-filters.ts";
import { TimeChoice, timeWords } from "./time-choice.tsx";
import { WorkflowChoice } from "./workflow-choice.tsx";

/** What the keyboard can do with the filters. */
export interface FilterBarHandle {
  readonly search: () => void;
  readonly open: () => void;
}

interface FilterBarProps {
  readonly filters: RunFilters;
  readonly onFilters: (change: Partial<RunFilters>) => void;
  readonly onClear: () => void;
  readonly handle: Ref<FilterBarHandle>;
}

type Opened = "workflow" | "time" | "more";

/** Everything that runs can be found by, but for their status. */
export function FilterBar({ filters, onFilters, onClear, handle }: FilterBarProps): ReactNode {
  const box = useRef<HTMLInputElement>(null);
  const [opened, setOpened] = useState<Opened>();
  useImperativeHandle(handle, () => ({ search: () => box.current?.select(), open: () => setOpened("workflow") }), []);
  const flyout = (name: Opened) => ({ isOpen: opened === name, onOpen: (isOpen: boolean) => setOpened(isOpen ? name : undefined) });
  const { workflows, parent, principal, time } = filters;
  return (
    <div role="search" aria-label="Filter runs" className="flex flex-wrap items-center gap-2">
      <SearchBox key={filters.text} box={box} text={filters.text} onText={(text) => onFilters({ text })} />
      <Flyout {...flyout("workflow")} title="Workflow" isOn={workflows.length > 0} label={workflowWords(workflows)}>
        <WorkflowChoice filters={filters} onWorkflows={(names) => onFilters({ workflows: names })} />
      </Flyout>
      <Flyout {...flyout("time")} title="Started" isOn={time.type !== "any"} label={timeWords(time)}>
        <TimeChoice
          time={time}
          onTime={(chosen) => {
            onFilters({ time: chosen });
            if (chosen.type !== "between") setOpened(undefined);
          }}
        />
      </Flyout>
      <Flyout {...flyout("more")} title="Who and where" isOn={principal !== "" || parent !== "none"} label={whoWords(filters)}>
        <WhoChoice filters={filters} onFilters={onFilters} />
      </Flyout>
      {!isEverything(filters) && (
        <Button tone="quiet" onClick={onClear}>
          <X aria-hidden className="size-3.5" />
          Clear
        </Button>
      )}
    </div>
  );
}

interface SearchBoxProps {
  readonly box: Ref<HTMLInputElement> & { readonly current: HTMLInputElement | null };
  readonly text: string;
  readonly onText: (text: string) => void;
}

/** Searches when it is told to, and says how: a search reads much of the log, so not at each letter. The id of a run leads to the run. */
function SearchBox({ box, text, onText }: SearchBoxProps): ReactNode {
  const navigate = useNavigate();
  const [typed, setTyped] = useState(text);
  const isAsked = typed.trim() === text;
  const submit = async (): Promise<void> => {
    const wanted = typed.trim();
    const isThere = isRunId(wanted) && (await client.run(wanted).catch(() => undefined)) !== undefined;
    if (isThere) await navigate({ to: "/runs/$runId", params: { runId: wanted } });
    else onText(wanted);
  };
  return (
    <form
      className="relative min-w-56 grow sm:max-w-sm"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <Search aria-hidden className="absolute start-2.5 top-2 size-4 text-ink-3" />
      <input
        ref={box}
        type="search"
        dir="auto"
        aria-label="Search in ids, steps, inputs, outputs and errors"
        placeholder="Search ids, steps, inputs, outputs, errors"
        value={typed}
        maxLength={200}
        onChange={({ target }) => setTyped(target.value)}
        onKeyDown={({ key, currentTarget }) => {
          if (key !== "Escape") return;
          setTyped(text);
          currentTarget.blur();
        }}
        className={cx(
          "h-8 w-full rounded-md border border-line-strong bg-ground ps-8 text-[13px] text-ink placeholder:text-ink-3",
          isAsked ? "pe-2.5" : "pe-24",
        )}
      />
      {!isAsked && (
        <button
          type="submit"
          className="absolute end-1 top-1 flex h-6 items-center gap-1.5 rounded bg-ground-3 px-2 text-xs text-ink-2 hover:text-ink"
        >
          Search
          <Keys keys="Enter" />
        </button>
      )}
    </form>
  );
}

function WhoChoice({ filters, onFilters }: Pick<FilterBarProps, "filters" | "onFilters">): ReactNode {
  const [typed, setTyped] = useState(filters.principal);
  const isOfRun = filters.parent !== "none" && filters.parent !== "all";
  return (
    <form
      className="flex flex-col gap-3"
      onSubmit={(event) => {
        event.preventDefault();
        onFilters({ principal: typed.trim() });
      }}
    >
      <TextField
        label="Started by"
        help="The id of a person, an agent or a key, such as owner. Enter applies it."
        value={typed}
        maxLength={200}
        onChange={({ target }) => setTyped(target.value)}
      />
      <Toggle
        label="Runs that other runs started, too"
        isOn={filters.parent !== "none"}
        onChange={(isOn) => onFilters({ parent: isOn ? "all" : "none" })}
      />
      {isOfRun && (
        <p className="text-xs text-ink-2">
          Only runs that <span className="font-mono">{shortId(filters.parent)}</span> started.
        </p>
      )}
      <Button type="submit">Apply</Button>
    </form>
  );
}

function workflowWords(workflows: readonly string[]): string {
  const [only] = workflows;
  if (only === undefined) return "Workflow";
  return workflows.length === 1 ? only : `${workflows.length} workflows`;
}

function whoWords({ principal, parent }: RunFilters): string {
  const where = parent === "all" ? ["with children"] : parent === "none" ? [] : [`of ${shortId(parent)}`];
  const words = [...(principal === "" ? [] : [`by ${principal}`]), ...where];
  return words.length === 0 ? "Started by" : words.join(", ");
}

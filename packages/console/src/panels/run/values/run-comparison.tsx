import { useQuery } from "@tanstack/react-query";
import type { RunDiff, StepDiff } from "@tutti/core/insight";
import { useState, type ReactNode } from "react";
import { Badge } from "../../../parts/badge.tsx";
import { Button } from "../../../parts/button.tsx";
import { Choice, TextField } from "../../../parts/fields.tsx";
import { Panel } from "../../../parts/page.tsx";
import { Queried } from "../../../parts/queried.tsx";
import type { Accent } from "../../../parts/tones.ts";
import { clockTime, count, duration, shortId } from "../../../parts/words.ts";
import { Differences } from "../differences.tsx";
import { diffQuery, siblingsQuery } from "../queries.ts";
import { RunLink } from "../../../parts/run-link.tsx";
import type { RunFacts } from "../run-facts.ts";
import type { Address } from "../use-address.ts";

/** This run beside another one, step by step. */
export function RunComparison({ facts, address }: { readonly facts: RunFacts; readonly address: Address }): ReactNode {
  const other = address.search["with"] ?? "";
  const { data: siblings = [] } = useQuery(siblingsQuery(facts.workflow));
  const [typed, setTyped] = useState("");
  const choose = (runId: string): void => address.change({ with: runId === "" ? undefined : runId });
  const options = siblings
    .filter(({ id }) => id !== facts.runId)
    .map(({ id, status, startedAt }) => ({ value: id, label: `${shortId(id)}  ${status}, ${clockTime(startedAt)}` }));
  return (
    <Panel title="Compare with another run">
      <div className="flex flex-col gap-4">
        <form
          className="grid items-end gap-3 sm:grid-cols-[minmax(0,1fr)_minmax(0,1fr)_auto]"
          onSubmit={(event) => {
            event.preventDefault();
            choose(typed.trim());
          }}
        >
          <Choice
            label={`Another run of ${facts.workflow}`}
            value={options.some(({ value }) => value === other) ? other : ""}
            options={[{ value: "", label: options.length === 0 ? "There is no other run" : "Choose a run" }, ...options]}
            onChange={(event) => choose(event.target.value)}
          />
          <TextField label="or any run, by its id" value={typed} onChange={(event) => setTyped(event.target.value)} />
          <Button type="submit" disabled={typed.trim() === ""}>
            Compare
          </Button>
        </form>
        {other !== "" && <Comparison a={facts.runId} b={other} />}
      </div>
    </Panel>
  );
}

function Comparison({ a, b }: { readonly a: string; readonly b: string }): ReactNode {
  const query = useQuery(diffQuery(a, b));
  return <Queried query={query}>{({ diff }) => <Compared diff={diff} />}</Queried>;
}

const SIDES: readonly [string, string] = ["This run", "The other"];
const WORDS: Readonly<Record<StepDiff["type"], { readonly word: string; readonly accent: Accent }>> = {
  "only-a": { word: "only in this run", accent: "red" },
  "only-b": { word: "only in the other", accent: "green" },
  "other-step": { word: "another step", accent: "violet" },
  "other-end": { word: "ended otherwise", accent: "orange" },
  "other-output": { word: "another output", accent: "yellow" },
};

function Compared({ diff }: { readonly diff: RunDiff }): ReactNode {
  return (
    <div className="flex flex-col gap-4 text-[13px]">
      <p role="status" className="flex flex-wrap items-center gap-2">
        {diff.isSame ? <Badge accent="green">the same</Badge> : <Badge accent="orange">different</Badge>}
        <span>
          {count(diff.counts.same)} steps are the same, {count(diff.steps.length)} differ, {count(diff.counts.timing)} took another time.
        </span>
        <span className="text-ink-3">
          {diff.a.status} in {duration(diff.a.durationMs)} beside {diff.b.status} in {duration(diff.b.durationMs)}:
        </span>
        <RunLink id={diff.b.runId} />
      </p>
      <Compare title="Input">
        <Differences label="Differences of the inputs" diff={diff.input} sides={SIDES} />
      </Compare>
      <Compare title="End">
        <Differences label="Differences of the ends" diff={diff.end} sides={SIDES} />
      </Compare>
      {diff.steps.length > 0 && (
        <Compare title="Steps">
          <ul className="flex flex-col gap-2">
            {diff.steps.map((step) => (
              <li key={step.key}>
                <StepDifference step={step} />
              </li>
            ))}
          </ul>
        </Compare>
      )}
      {diff.timing.length > 0 && (
        <Compare title="Other times">
          <ul className="flex flex-col gap-1">
            {diff.timing.map(({ key, name, aMs, bMs }) => (
              <li key={key} className="flex flex-wrap gap-2">
                <code className="font-mono text-xs text-ink-3">{key}</code>
                <bdi>{name}</bdi>
                <span className="text-ink-2 tabular-nums">
                  {duration(aMs)} here, {duration(bMs)} there
                </span>
              </li>
            ))}
          </ul>
        </Compare>
      )}
    </div>
  );
}

function Compare({ title, children }: { readonly title: string; readonly children: ReactNode }): ReactNode {
  return (
    <section aria-label={title} className="flex flex-col gap-1.5">
      <h3 className="text-xs font-semibold text-ink-2">{title}</h3>
      {children}
    </section>
  );
}

function StepDifference({ step }: { readonly step: StepDiff }): ReactNode {
  const { word, accent } = WORDS[step.type];
  const side = "a" in step ? step.a : step.b;
  return (
    <div className="flex flex-col gap-1.5 rounded-md border border-line bg-ground p-2.5">
      <p className="flex flex-wrap items-center gap-2">
        <code className="font-mono text-xs text-ink-3">{step.key}</code>
        <bdi className="font-medium">{side.name}</bdi>
        <Badge accent={accent}>{word}</Badge>
        {step.type === "other-step" && (
          <span className="text-ink-2">
            the other has <bdi>{step.b.name}</bdi>
          </span>
        )}
        {step.type === "other-end" && (
          <span className="text-ink-2" dir="auto">
            {step.a.failure ?? step.a.status} beside {step.b.failure ?? step.b.status}
          </span>
        )}
      </p>
      {step.type === "other-output" && <Differences label={`Differences of ${step.key}`} diff={step.output} sides={SIDES} />}
    </div>
  );
}

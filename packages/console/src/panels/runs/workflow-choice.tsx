import { useQuery } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { TextField } from "../../parts/fields.tsx";
import { count } from "../../parts/words.ts";
import { workflowsQuery } from "../../queries.ts";
import { countsQuery } from "./queries.ts";
import type { RunFilters } from "./run-filters.ts";

/** Names that are drawn; the field above finds the others. */
const SHOWN_MAX = 60;

interface WorkflowChoiceProps {
  readonly filters: RunFilters;
  readonly onWorkflows: (workflows: readonly string[]) => void;
}

/** Which workflows: those that have run, most runs first, then those that could. */
export function WorkflowChoice({ filters, onWorkflows }: WorkflowChoiceProps): ReactNode {
  const [typed, setTyped] = useState("");
  const { data: counts } = useQuery(countsQuery({ ...filters, workflows: [] }));
  const { data: known = [] } = useQuery(workflowsQuery);
  const totals = new Map(counts?.byWorkflow.map(({ workflow, total }) => [workflow, total]));
  const names = [...new Set([...filters.workflows, ...totals.keys(), ...known.map(({ name }) => name)])];
  const found = names.filter((name) => name.toLowerCase().includes(typed.toLowerCase())).slice(0, SHOWN_MAX);
  const toggle = (name: string, isOn: boolean): void =>
    onWorkflows(isOn ? [...filters.workflows, name] : filters.workflows.filter((one) => one !== name));
  return (
    <div className="flex flex-col gap-2">
      <TextField
        label="Workflow or agent"
        value={typed}
        onChange={({ target }) => setTyped(target.value)}
        placeholder="Type a part of its name"
      />
      <ul className="flex flex-col">
        {found.map((name) => (
          <li key={name}>
            <label className="flex h-8 items-center gap-2 rounded px-1.5 text-[13px] hover:bg-ground-2">
              <input
                type="checkbox"
                className="accent-blue"
                checked={filters.workflows.includes(name)}
                onChange={({ target }) => toggle(name, target.checked)}
              />
              <span className="min-w-0 grow truncate" dir="auto">
                {name}
              </span>
              <span className="text-xs text-ink-3 tabular-nums">{count(totals.get(name) ?? 0)}</span>
            </label>
          </li>
        ))}
      </ul>
      {found.length === 0 && <p className="p-2 text-[13px] text-ink-2">No workflow is called that.</p>}
    </div>
  );
}

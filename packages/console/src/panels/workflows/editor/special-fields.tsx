import type { Json } from "@tutti/core";
import { Plus, X } from "lucide-react";
import type { ReactNode } from "react";
import { Button, IconButton } from "../../../parts/button.tsx";
import { Choice, TextField } from "../../../parts/fields.tsx";
import { fieldsOf } from "../../../parts/json-fields.ts";
import { textOf } from "./graph-text.ts";

interface SpecialFieldProps {
  readonly value: Json | undefined;
  readonly problem: string | undefined;
  readonly onChange: (value: Json | undefined) => void;
}

const JOINS = [
  { value: "", label: "merge: every edge that can still be taken" },
  { value: "all", label: "all: every edge" },
  { value: "any", label: "any: the first" },
  { value: "quorum", label: "quorum: so many" },
];

/** When a node runs into which several edges lead. */
export function JoinField({ value, problem, onChange }: SpecialFieldProps): ReactNode {
  const { quorum } = fieldsOf(value);
  const chosen = quorum !== undefined ? "quorum" : typeof value === "string" && value !== "merge" ? value : "";
  return (
    <div className="grid grid-cols-[1fr_auto] gap-2">
      <Choice
        label="join"
        value={chosen}
        options={JOINS}
        problem={problem}
        onChange={({ target }) => onChange(target.value === "quorum" ? { quorum: 1 } : target.value === "" ? undefined : target.value)}
      />
      {chosen === "quorum" && (
        <div className="w-20">
          <TextField
            label="Edges"
            type="number"
            min={1}
            value={typeof quorum === "number" ? quorum : ""}
            onChange={({ target }) => onChange({ quorum: Number(target.value) })}
          />
        </div>
      )}
    </div>
  );
}

/** The outcomes of a condition that has names for them. */
export function CasesField({ value, problem, onChange }: SpecialFieldProps): ReactNode {
  const cases = (Array.isArray(value) ? (value as readonly Json[]) : []).map((one) => {
    const { case: name, when } = fieldsOf(one);
    return { case: textOf(name), when: textOf(when) };
  });
  const set = (index: number, change: Partial<(typeof cases)[number]>): void =>
    onChange(cases.map((one, at) => (at === index ? { ...one, ...change } : one)));
  return (
    <fieldset className="flex flex-col gap-2">
      <legend className="mb-1 text-xs font-medium text-ink-2">cases (instead of if)</legend>
      {cases.map((one, index) => (
        // Cases are told apart by their place: two may have the same name while one is being written.
        <div key={index} className="grid grid-cols-[7rem_1fr_auto] items-end gap-2">
          <TextField label={`Case ${index + 1}`} value={one.case} onChange={({ target }) => set(index, { case: target.value })} />
          <TextField
            label="when"
            value={one.when}
            placeholder="${ input.kind == 'a' }"
            spellCheck={false}
            onChange={({ target }) => set(index, { when: target.value })}
          />
          <IconButton
            label={`Take out case ${one.case || index + 1}`}
            onClick={() => onChange(cases.length === 1 ? undefined : cases.filter((_, at) => at !== index))}
          >
            <X aria-hidden className="size-3.5" />
          </IconButton>
        </div>
      ))}
      {problem !== undefined && <p className="text-xs text-red">{problem}</p>}
      <div>
        <Button onClick={() => onChange([...cases, { case: `case${cases.length + 1}`, when: "${ true }" }])}>
          <Plus aria-hidden className="size-3.5" />
          Add a case
        </Button>
      </div>
    </fieldset>
  );
}

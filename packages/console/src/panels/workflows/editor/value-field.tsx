import type { Json } from "@tutti/core";
import { useId, useState, type ReactNode } from "react";
import { parse, stringify } from "yaml";
import { TextArea, TextField } from "../../../parts/fields.tsx";

interface ValueFieldProps {
  readonly label: string;
  readonly value: Json | undefined;
  readonly onChange: (value: Json | undefined) => void;
  readonly help?: ReactNode;
  readonly problem?: string | undefined;
  readonly rows?: number;
  readonly disabled?: boolean;
}

/** Any value, written as in the graph's text: YAML, in which an expression needs no quotes. */
export function ValueField({ label, value, onChange, help, problem, rows = 4, disabled = false }: ValueFieldProps): ReactNode {
  const shown = textOf(value);
  // What is being written stays as it is written as long as it says what stands in the graph.
  const [draft, setDraft] = useState({ text: shown, of: shown, mistake: undefined as string | undefined });
  const text = draft.of === shown ? draft.text : shown;
  return (
    <TextArea
      label={label}
      help={help}
      problem={draft.of === shown ? (draft.mistake ?? problem) : problem}
      rows={Math.min(14, Math.max(rows, text.split("\n").length))}
      spellCheck={false}
      disabled={disabled}
      value={text}
      onChange={({ target }) => {
        try {
          const next = target.value.trim() === "" ? undefined : (parse(target.value) as Json);
          setDraft({ text: target.value, of: textOf(next), mistake: undefined });
          onChange(next);
        } catch (thrown) {
          const [mistake] = (thrown instanceof Error ? thrown.message : String(thrown)).split("\n");
          setDraft({ text: target.value, of: shown, mistake });
        }
      }}
    />
  );
}

function textOf(value: Json | undefined): string {
  if (value === undefined) return "";
  return stringify(value, { lineWidth: 0 }).trimEnd();
}

interface NamedFieldProps {
  readonly label: string;
  readonly value: string;
  readonly names: readonly string[];
  readonly onChange: (value: string) => void;
  readonly problem?: string | undefined;
  readonly help?: ReactNode;
  readonly disabled?: boolean;
}

/** A name, with those that there are offered while it is typed. */
export function NamedField({ names, onChange, ...rest }: NamedFieldProps): ReactNode {
  const listId = useId();
  return (
    <>
      <TextField {...rest} list={listId} autoComplete="off" spellCheck={false} onChange={({ target }) => onChange(target.value)} />
      <datalist id={listId}>
        {names.map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </datalist>
    </>
  );
}

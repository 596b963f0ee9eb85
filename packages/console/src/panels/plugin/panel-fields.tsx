import type { PanelField } from "@tutti/core/plugin";
import type { ReactNode } from "react";
import { Choice, TextArea, TextField, Toggle } from "../../parts/fields.tsx";
import type { PanelInput } from "./queries.ts";

interface PanelFieldsProps {
  readonly fields: readonly PanelField[];
  readonly input: PanelInput;
  readonly onChange: (input: PanelInput) => void;
}

/** What a person may enter into a panel. */
export function PanelFields({ fields, input, onChange }: PanelFieldsProps): ReactNode {
  return (
    <div className="grid gap-3 sm:grid-cols-2">
      {fields.map((field) => (
        <OneField key={field.key} field={field} input={input} onChange={onChange} />
      ))}
    </div>
  );
}

function OneField({ field, input, onChange }: Omit<PanelFieldsProps, "fields"> & { readonly field: PanelField }): ReactNode {
  const { key, help, isRequired = false } = field;
  const label = `${field.title ?? key}${isRequired ? " *" : ""}`;
  const given = input[key];
  const set = (value: string | number | boolean | undefined): void => {
    const { [key]: _, ...others } = input;
    onChange(value === undefined ? others : { ...others, [key]: value });
  };
  const shared = { label, help, required: isRequired };
  const text = typeof given === "string" ? given : "";
  switch (field.kind) {
    case "boolean":
      return <Toggle label={label} isOn={given === true} onChange={set} />;
    case "number":
      return (
        <TextField
          {...shared}
          type="number"
          step="any"
          min={field.min}
          max={field.max}
          value={typeof given === "number" ? given : ""}
          onChange={({ target }) => set(target.value === "" ? undefined : Number(target.value))}
        />
      );
    case "select": {
      const options = field.options.map(({ value, title }) => ({ value, label: title ?? value }));
      return (
        <Choice
          {...shared}
          options={[{ value: "", label: "Choose …" }, ...options]}
          value={text}
          onChange={({ target }) => set(target.value || undefined)}
        />
      );
    }
    case "date":
      return <TextField {...shared} type="date" value={text} onChange={({ target }) => set(target.value || undefined)} />;
    case "long text":
      return (
        <TextArea {...shared} maxLength={field.charactersMax} value={text} onChange={({ target }) => set(target.value || undefined)} />
      );
    case "text":
      return (
        <TextField {...shared} maxLength={field.charactersMax} value={text} onChange={({ target }) => set(target.value || undefined)} />
      );
  }
}

/** What fields hold before anybody enters something. */
export function defaultsOf(fields: readonly PanelField[]): PanelInput {
  return Object.fromEntries(fields.flatMap(({ key, default: value }) => (value === undefined ? [] : [[key, value]])));
}

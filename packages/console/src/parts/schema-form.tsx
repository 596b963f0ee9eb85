import type { Json } from "@tutti/core";
import type { ReactNode } from "react";
import { Choice, TextArea, TextField, Toggle } from "./fields.tsx";
import { fieldsOf } from "./json-fields.ts";
import { objectOf, readField, type FieldSchema } from "./schema-values.ts";

interface SchemaFormProps {
  /** A JSON Schema of an object; whatever it says that a form cannot show is asked for as JSON. */
  readonly schema: Json;
  readonly value: Json;
  readonly onChange: (value: Json) => void;
  /** What is wrong, by the field's path ("address.street"). */
  readonly problems?: Readonly<Record<string, string>>;
}

/** A form made from a JSON Schema. What it cannot show as fields it takes as JSON, so every input can be given. */
export function SchemaForm({ schema, value, onChange, problems = {} }: SchemaFormProps): ReactNode {
  const { properties, required } = objectOf(schema);
  if (properties.length === 0) return <JsonField label="Input" value={value} onChange={onChange} problem={problems[""]} />;
  const given = fieldsOf(value);
  return (
    <div className="flex flex-col gap-3">
      {properties.map(({ name, schema: field }) => (
        <SchemaField
          key={name}
          name={name}
          field={readField(field)}
          isRequired={required.has(name)}
          value={given[name]}
          problem={problems[name]}
          onChange={(next) => {
            const { [name]: _, ...others } = given;
            onChange(next === undefined ? others : { ...others, [name]: next });
          }}
        />
      ))}
    </div>
  );
}

interface SchemaFieldProps {
  readonly name: string;
  readonly field: FieldSchema;
  readonly isRequired: boolean;
  readonly value: Json | undefined;
  readonly problem: string | undefined;
  readonly onChange: (value: Json | undefined) => void;
}

function SchemaField({ name, field, isRequired, value, problem, onChange }: SchemaFieldProps): ReactNode {
  const label = `${field.title ?? name}${isRequired ? " *" : ""}`;
  const shared = { label, help: field.description, problem, required: isRequired };
  switch (field.kind) {
    case "boolean":
      return <Toggle label={label} isOn={value === true} onChange={onChange} />;
    case "choice":
      return (
        <Choice
          {...shared}
          value={value === undefined ? "" : JSON.stringify(value)}
          options={[
            { value: "", label: isRequired ? "Choose …" : "(none)" },
            ...field.options.map((option) => ({ value: JSON.stringify(option), label: String(option) })),
          ]}
          onChange={({ target }) => onChange(target.value === "" ? undefined : (JSON.parse(target.value) as Json))}
        />
      );
    case "number":
      return (
        <TextField
          {...shared}
          inputMode="decimal"
          type="number"
          step={field.isWhole ? 1 : "any"}
          value={typeof value === "number" ? value : ""}
          onChange={({ target }) => onChange(target.value === "" ? undefined : Number(target.value))}
        />
      );
    case "text":
      return field.isLong ? (
        <TextArea {...shared} value={typeof value === "string" ? value : ""} onChange={({ target }) => onChange(target.value)} />
      ) : (
        <TextField
          {...shared}
          value={typeof value === "string" ? value : ""}
          onChange={({ target }) => onChange(target.value === "" && !isRequired ? undefined : target.value)}
        />
      );
    case "json":
      return (
        <JsonField
          label={label}
          help={field.description}
          value={value}
          onChange={onChange}
          onEmpty={isRequired ? undefined : () => onChange(undefined)}
          problem={problem}
        />
      );
  }
}

interface JsonFieldProps {
  readonly label: string;
  readonly help?: string | undefined;
  readonly value: Json | undefined;
  readonly problem?: string | undefined;
  readonly onChange: (value: Json) => void;
  /** Called when nothing is left of the text; left out, there must be JSON. */
  readonly onEmpty?: (() => void) | undefined;
}

/** A value as JSON. It is handed on each time the text is JSON. */
export function JsonField({ label, help = "JSON", value, problem, onChange, onEmpty }: JsonFieldProps): ReactNode {
  return (
    <TextArea
      label={label}
      help={help}
      problem={problem}
      rows={6}
      spellCheck={false}
      defaultValue={value === undefined ? "" : JSON.stringify(value, null, 2)}
      onChange={({ target }) => {
        try {
          if (target.value.trim() === "" && onEmpty !== undefined) onEmpty();
          else onChange(JSON.parse(target.value) as Json);
          target.setCustomValidity("");
        } catch {
          // Half-written JSON is no mistake yet; it counts when the form is sent.
          target.setCustomValidity("wanted JSON, got text that is none");
        }
      }}
    />
  );
}

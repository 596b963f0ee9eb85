import { useQuery } from "@tanstack/react-query";
import type { Json } from "@tutti/core";
import { useMemo, useState, type ReactNode } from "react";
import { Button } from "../../../parts/button.tsx";
import { Choice, TextArea, TextField } from "../../../parts/fields.tsx";
import { objectOf, readField } from "../../../parts/schema-values.ts";
import { graphSchemaQuery } from "../queries.ts";
import { CasesField, JoinField } from "./special-fields.tsx";
import { fieldsOf, type Fields } from "../../../parts/json-fields.ts";
import { textOf, type DrawnNode } from "./graph-text.ts";
import { KINDS } from "./node-kinds.ts";
import { nodeSchemaOf, type NodeField } from "./node-schema.ts";
import { problemAt, type Problem } from "./problems.ts";
import type { Targets } from "./targets.ts";
import { NamedField, ValueField } from "./value-field.tsx";

interface NodeFormProps {
  readonly node: DrawnNode;
  readonly problems: readonly Problem[];
  readonly targets: Targets;
  readonly isReadOnly: boolean;
  readonly onSet: (path: readonly string[], value: Json | undefined) => void;
  readonly onRename: (id: string) => void;
  readonly onKind: (type: string) => void;
}

/** A node's fields, by its kind; which there are is what the graph format says. */
export function NodeForm({ node, problems, targets, isReadOnly, onSet, onRename, onKind }: NodeFormProps): ReactNode {
  const { data: format } = useQuery(graphSchemaQuery);
  const { about, own, common } = useMemo(() => nodeSchemaOf(format ?? null, node.type), [format, node.type]);
  const field = (one: NodeField): ReactNode => (
    <FieldOfNode key={one.label} field={one} fields={node.fields} {...{ problems, targets, isReadOnly, onSet }} />
  );
  return (
    <fieldset disabled={isReadOnly} className="flex flex-col gap-3">
      <legend className="sr-only">{`Node ${node.id}`}</legend>
      <div className="grid grid-cols-2 gap-2">
        <IdField key={node.id} id={node.id} onRename={onRename} />
        <Choice
          label="Kind"
          value={node.type}
          help={about}
          problem={problemAt(problems, "type")}
          options={[
            ...KINDS.map(({ type }) => ({ value: type, label: type })),
            ...(KINDS.some(({ type }) => type === node.type) ? [] : [{ value: node.type, label: node.type || "(none)" }]),
          ]}
          onChange={({ target }) => onKind(target.value)}
        />
      </div>
      {own.map(field)}
      {node.type === "tool" && <ToolInputs node={node} targets={targets} onSet={onSet} />}
      {node.type === "condition" && (
        <CasesField value={node.fields["cases"]} problem={problemAt(problems, "cases")} onChange={(cases) => onSet(["cases"], cases)} />
      )}
      <TextField
        label="title"
        value={textOf(node.fields["title"])}
        problem={problemAt(problems, "title")}
        onChange={({ target }) => onSet(["title"], target.value === "" ? undefined : target.value)}
      />
      <JoinField value={node.fields["join"]} problem={problemAt(problems, "join")} onChange={(join) => onSet(["join"], join)} />
      {common.length > 0 && (
        <details>
          <summary className="cursor-pointer text-xs font-medium text-ink-2">Timeout, retry and cache</summary>
          <div className="mt-2 flex flex-col gap-3">{common.map(field)}</div>
        </details>
      )}
    </fieldset>
  );
}

/** The id is changed when it is whole: every expression that speaks of the node follows. */
function IdField({ id, onRename }: { readonly id: string; readonly onRename: (id: string) => void }): ReactNode {
  const [draft, setDraft] = useState(id);
  const rename = (): void => {
    if (draft !== id && draft !== "") onRename(draft);
    else setDraft(id);
  };
  return (
    <TextField
      label="Id"
      value={draft}
      maxLength={64}
      spellCheck={false}
      onChange={({ target }) => setDraft(target.value)}
      onBlur={rename}
      onKeyDown={(event) => {
        if (event.key === "Enter") rename();
        if (event.key === "Escape") setDraft(id);
      }}
    />
  );
}

interface FieldOfNodeProps extends Pick<NodeFormProps, "problems" | "targets" | "isReadOnly" | "onSet"> {
  readonly field: NodeField;
  readonly fields: Fields;
}

function FieldOfNode({ field, fields, problems, targets, isReadOnly, onSet }: FieldOfNodeProps): ReactNode {
  const { path, kind, options, about } = field;
  const value = path.reduce<Json | undefined>((within, key) => fieldsOf(within)[key], fields);
  const name = path.at(-1) ?? "";
  const shared = {
    label: `${field.label}${field.isRequired ? " *" : ""}`,
    help: about,
    problem: problemAt(problems, name),
    disabled: isReadOnly,
  };
  const set = (next: Json | undefined): void => onSet(path, next);
  const text = typeof value === "string" ? value : value === undefined ? "" : JSON.stringify(value);
  const setText = (next: string): void => set(next === "" && !field.isRequired ? undefined : next);
  if (isTarget(name)) return <NamedField {...shared} value={text} names={targets.names[name]} onChange={setText} />;
  switch (kind) {
    case "long":
      return <TextArea {...shared} value={text} onChange={({ target }) => setText(target.value)} />;
    case "text":
      return <TextField {...shared} value={text} spellCheck={false} onChange={({ target }) => setText(target.value)} />;
    case "number":
      return (
        <TextField
          {...shared}
          type="number"
          value={typeof value === "number" ? value : ""}
          onChange={({ target }) => set(target.value === "" ? undefined : Number(target.value))}
        />
      );
    case "choice":
      return (
        <Choice
          {...shared}
          value={text}
          options={[{ value: "", label: "(as usual)" }, ...options.map((option) => ({ value: option, label: option }))]}
          onChange={({ target }) => setText(target.value)}
        />
      );
    case "texts":
      return (
        <TextField
          {...shared}
          help="Names, separated by commas."
          value={Array.isArray(value) ? value.join(", ") : text}
          onChange={({ target }) => set(target.value === "" ? undefined : target.value.split(/,\s*/))}
        />
      );
    case "value":
      return <ValueField {...shared} value={value} onChange={set} rows={name === "input" || name === "value" ? 4 : 1} />;
  }
}

function isTarget(name: string): name is keyof Targets["names"] {
  return name === "tool" || name === "agent" || name === "workflow" || name === "model";
}

/** What the tool takes, and one press to have it all stand in the input. */
function ToolInputs({
  node,
  targets,
  onSet,
}: {
  readonly node: DrawnNode;
  readonly targets: Targets;
  readonly onSet: NodeFormProps["onSet"];
}): ReactNode {
  const tool = targets.tools.get(textOf(node.fields["tool"]));
  if (tool === undefined) return null;
  const { properties, required } = objectOf(tool.parameters);
  const given = fieldsOf(node.fields["input"]);
  const missing = properties.filter(({ name }) => required.has(name) && !(name in given));
  return (
    <div className="rounded-md border border-line bg-ground-2 p-2.5 text-xs text-ink-2">
      <p dir="auto">{tool.description}</p>
      <ul className="mt-1.5 flex flex-col gap-0.5">
        {properties.map(({ name, schema }) => (
          <li key={name} dir="auto">
            <span className="font-mono text-ink">{`${name}${required.has(name) ? " *" : ""}`}</span>
            {` ${readField(schema).description ?? ""}`}
          </li>
        ))}
      </ul>
      {missing.length > 0 && (
        <div className="mt-2">
          <Button onClick={() => onSet(["input"], { ...given, ...Object.fromEntries(missing.map(({ name }) => [name, ""])) })}>
            {`Add ${missing.map(({ name }) => name).join(", ")}`}
          </Button>
        </div>
      )}
    </div>
  );
}

import type { Json } from "@tutti/core";
import type { ReactNode } from "react";
import { TextArea, TextField } from "../../../parts/fields.tsx";
import { fieldsOf, type Fields } from "../../../parts/json-fields.ts";
import { problemAt, type Problem } from "./problems.ts";
import { ValueField } from "./value-field.tsx";

interface GraphFormProps {
  readonly root: Fields;
  readonly problems: readonly Problem[];
  readonly isReadOnly: boolean;
  readonly onSet: (path: readonly string[], value: Json | undefined) => void;
}

const LIMITS = ["timeMs", "tokensMax", "costUsdMax"] as const;

/** What a graph says of itself. */
export function GraphForm({ root, problems, isReadOnly, onSet }: GraphFormProps): ReactNode {
  const textAt = (key: string): string => (typeof root[key] === "string" || typeof root[key] === "number" ? String(root[key]) : "");
  const limits = fieldsOf(root["limits"]);
  return (
    <fieldset disabled={isReadOnly} className="flex flex-col gap-3">
      <legend className="sr-only">The graph</legend>
      <div className="grid grid-cols-[1fr_6rem] gap-2">
        <TextField label="name" value={textAt("name")} readOnly problem={problemAt(problems, "name")} />
        <TextField
          label="version"
          value={textAt("version")}
          placeholder="1"
          problem={problemAt(problems, "version")}
          onChange={({ target }) => onSet(["version"], target.value === "" ? undefined : target.value)}
        />
      </div>
      <TextArea
        label="description"
        rows={2}
        value={textAt("description")}
        onChange={({ target }) => onSet(["description"], target.value === "" ? undefined : target.value)}
      />
      <ValueField
        label="input"
        help="JSON Schema of what it is started with; empty: anything. The form to start it is made from this."
        value={root["input"]}
        problem={problemAt(problems, "input")}
        onChange={(input) => onSet(["input"], input)}
      />
      <ValueField
        label="output"
        help="What comes out, such as ${ nodes.last.output }; empty: what the last nodes gave."
        value={root["output"]}
        problem={problemAt(problems, "output")}
        rows={2}
        onChange={(output) => onSet(["output"], output)}
      />
      <div className="grid grid-cols-3 gap-2">
        {LIMITS.map((key) => (
          <TextField
            key={key}
            label={key}
            type="number"
            min={0}
            step="any"
            value={typeof limits[key] === "number" ? limits[key] : ""}
            problem={problemAt(problems, key)}
            onChange={({ target }) => onSet(["limits", key], target.value === "" ? undefined : Number(target.value))}
          />
        ))}
      </div>
    </fieldset>
  );
}

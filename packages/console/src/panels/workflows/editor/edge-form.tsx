import type { Json } from "@tutti/core";
import { casesOf, type GraphNode } from "@tutti/core/graph";
import type { ReactNode } from "react";
import { Choice, TextField } from "../../../parts/fields.tsx";
import { textOf, type DrawnBody, type DrawnEdge } from "./graph-text.ts";
import { problemAt, type Problem } from "./problems.ts";

interface EdgeFormProps {
  readonly edge: DrawnEdge;
  readonly body: DrawnBody;
  readonly problems: readonly Problem[];
  readonly isReadOnly: boolean;
  readonly onSet: (key: string, value: Json | undefined) => void;
}

/** When an edge is taken. */
export function EdgeForm({ edge, body, problems, isReadOnly, onSet }: EdgeFormProps): ReactNode {
  const { on, codes, case: outcome, when } = edge.fields;
  const source = body.nodes.find(({ id }) => id === edge.from);
  const cases = source === undefined ? [] : outcomesOf(source.fields, source.type);
  const nodes = body.nodes.map(({ id }) => ({ value: id, label: id }));
  const isError = on === "error";
  return (
    <fieldset disabled={isReadOnly} className="flex flex-col gap-3">
      <legend className="sr-only">{`Edge from ${edge.from} to ${edge.to}`}</legend>
      <div className="grid grid-cols-2 gap-2">
        <Choice
          label="from"
          value={edge.from}
          options={nodes}
          problem={problemAt(problems, "from")}
          onChange={({ target }) => onSet("from", target.value)}
        />
        <Choice
          label="to"
          value={edge.to}
          options={nodes}
          problem={problemAt(problems, "to")}
          onChange={({ target }) => onSet("to", target.value)}
        />
      </div>
      <Choice
        label="on"
        value={isError ? "error" : "success"}
        options={[
          { value: "success", label: "success: the node completed" },
          { value: "error", label: "error: the node failed" },
        ]}
        onChange={({ target }) => onSet("on", target.value === "error" ? "error" : undefined)}
      />
      {isError && (
        <TextField
          label="codes"
          help="Only for these error codes, separated by commas; empty: for all."
          value={Array.isArray(codes) ? codes.join(", ") : ""}
          problem={problemAt(problems, "codes")}
          onChange={({ target }) => onSet("codes", target.value.trim() === "" ? undefined : target.value.split(/,\s*/))}
        />
      )}
      {!isError && (cases.length > 0 || outcome !== undefined) && (
        <Choice
          label="case"
          value={outcome === undefined ? "" : JSON.stringify(outcome)}
          problem={problemAt(problems, "case")}
          options={[
            { value: "", label: "(any)" },
            ...cases.map((one) => ({ value: JSON.stringify(one), label: String(one) })),
            ...(outcome === undefined || cases.some((one) => one === outcome)
              ? []
              : [{ value: JSON.stringify(outcome), label: `${textOf(outcome)} (no outcome of ${edge.from})` }]),
          ]}
          onChange={({ target }) => onSet("case", target.value === "" ? undefined : (JSON.parse(target.value) as Json))}
        />
      )}
      <TextField
        label="when"
        help={`Only if this is true, such as \${ ${isError ? "error.code == 'timeout'" : "output.total > 100"} }; empty: always.`}
        value={typeof when === "string" ? when : ""}
        problem={problemAt(problems, "when")}
        spellCheck={false}
        onChange={({ target }) => onSet("when", target.value === "" ? undefined : target.value)}
      />
    </fieldset>
  );
}

function outcomesOf(fields: DrawnEdge["fields"], type: string): readonly (string | boolean)[] {
  if (type === "condition" && fields["cases"] !== undefined && !Array.isArray(fields["cases"])) return [];
  // Only what tells outcomes apart is looked at, and that was checked just above.
  return casesOf({ ...fields, type } as unknown as GraphNode) ?? [];
}

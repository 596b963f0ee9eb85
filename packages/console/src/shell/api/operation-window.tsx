import { queryOptions, useQuery, useQueryClient } from "@tanstack/react-query";
import type { Json } from "@tutti/core";
import { useId, useState, type ReactNode } from "react";
import { useAction } from "../../action.ts";
import { Button } from "../../parts/button.tsx";
import { TextField } from "../../parts/fields.tsx";
import { JsonView } from "../../parts/json-view.tsx";
import { Queried } from "../../parts/queried.tsx";
import { SchemaForm } from "../../parts/schema-form.tsx";
import { Failure } from "../../parts/states.tsx";
import { say } from "../../parts/toasts.tsx";
import { FormFoot, Window } from "../../parts/window.tsx";
import { client } from "../../server.ts";
import { OPERATIONS } from "./operations.ts";
import { filledPath, namesIn, readOperation, type DescribedOperation } from "./read-operation.ts";

const descriptionQuery = queryOptions({
  queryKey: ["api description"],
  queryFn: ({ signal }) => client.description(signal),
  staleTime: Number.POSITIVE_INFINITY,
});

interface OperationWindowProps {
  /** "POST /v1/cache/clear". */
  readonly operation: string;
  readonly onClose: () => void;
}

/** Does an operation of the API: asks for what its description says it takes, and shows what it answers. */
export function OperationWindow({ operation, onClose }: OperationWindowProps): ReactNode {
  const entry = OPERATIONS[operation];
  const description = useQuery(descriptionQuery);
  return (
    <Window
      title={entry?.at === "window" ? entry.title : operation}
      about={<code className="font-mono text-xs">{operation}</code>}
      isOpen
      onClose={onClose}
    >
      <Queried query={description}>
        {(document) => {
          const described = readOperation(document, operation);
          if (described === undefined) return <p className="text-[13px]">This server does not have it.</p>;
          return (
            <OperationForm described={described} isDangerous={entry?.at === "window" && entry.isDangerous === true} onClose={onClose} />
          );
        }}
      </Queried>
    </Window>
  );
}

/** What a person gives: texts for the path and the query, a value for the body. */
interface Given {
  readonly path: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly body: Json;
}

const NOTHING: Given = { path: {}, query: {}, body: {} };

interface OperationFormProps {
  readonly described: DescribedOperation;
  readonly isDangerous: boolean;
  readonly onClose: () => void;
}

function OperationForm({ described, isDangerous, onClose }: OperationFormProps): ReactNode {
  const { method, summary, query, body } = described;
  const [given, setGiven] = useState(NOTHING);
  const queries = useQueryClient();
  const calling = useAction({
    mutationFn: () =>
      client.call({
        method,
        path: filledPath(described, given.path),
        query: Object.fromEntries(Object.entries(given.query).filter(([, value]) => value !== "")),
        ...(body !== undefined && { body: given.body }),
      }),
    onSuccess: () => {
      say("Done", { detail: summary });
      // Any page may show what it changed.
      return queries.invalidateQueries();
    },
  });
  return (
    <form
      className="flex flex-col gap-3"
      onSubmit={(event) => {
        event.preventDefault();
        calling.mutate();
      }}
    >
      <p className="text-[13px] text-ink-2">{summary}.</p>
      <PathFields described={described} values={given.path} onChange={(path) => setGiven({ ...given, path })} />
      {query.map(({ name, description }) => (
        <TextField
          key={name}
          label={name}
          help={description}
          value={given.query[name] ?? ""}
          onChange={({ target }) => setGiven({ ...given, query: { ...given.query, [name]: target.value } })}
        />
      ))}
      {body !== undefined && <SchemaForm schema={body} value={given.body} onChange={(value) => setGiven({ ...given, body: value })} />}
      {calling.error !== null && <Failure error={calling.error} />}
      <FormFoot onBack={onClose}>
        <Button type="submit" tone={isDangerous ? "danger" : "primary"} isBusy={calling.isPending}>
          Do it
        </Button>
      </FormFoot>
      {calling.data !== undefined && <JsonView label="the answer" value={calling.data} openTo={3} />}
    </form>
  );
}

interface PathFieldsProps {
  readonly described: DescribedOperation;
  readonly values: Readonly<Record<string, string>>;
  readonly onChange: (values: Readonly<Record<string, string>>) => void;
}

/** What the path names; what there is of its kind is offered. */
function PathFields({ described: { pathNames, listPath }, values, onChange }: PathFieldsProps): ReactNode {
  const list = useQuery({
    queryKey: ["named in", listPath],
    queryFn: ({ signal }) => client.call({ method: "GET", path: listPath ?? "" }, signal),
    enabled: listPath !== undefined && pathNames.length > 0,
    select: namesIn,
  });
  const listId = useId();
  return pathNames.map((name, index) => (
    <div key={name}>
      <TextField
        label={`${name} *`}
        required
        autoComplete="off"
        list={index === 0 ? listId : undefined}
        help={index === 0 && list.data?.length === 0 ? "There is none yet." : undefined}
        value={values[name] ?? ""}
        onChange={({ target }) => onChange({ ...values, [name]: target.value })}
      />
      {index === 0 && (
        <datalist id={listId}>
          {list.data?.map((one) => (
            <option key={one}>{one}</option>
          ))}
        </datalist>
      )}
    </div>
  ));
}

import { useQuery } from "@tanstack/react-query";
import type { StartedRun } from "@tutti/client";
import { AppError, type Json } from "@tutti/core";
import { History, Play } from "lucide-react";
import { useState, type ReactNode } from "react";
import { useAction } from "../../action.ts";
import { Button } from "../../parts/button.tsx";
import { JsonField, SchemaForm } from "../../parts/schema-form.tsx";
import { objectOf } from "../../parts/schema-values.ts";
import { complain } from "../../parts/toasts.tsx";
import { Moment } from "../../parts/time.tsx";
import { queryClient } from "../../query-client.ts";
import { runInputQuery } from "../../queries.ts";
import { readInputProblems } from "./input-problems.ts";
import { runsOfQuery } from "./queries.ts";

interface StartFormProps {
  /** Whose last input is offered. */
  readonly workflow: string;
  readonly schema: Json;
  readonly start: (input: Json) => Promise<Pick<StartedRun, "run">>;
  readonly onStarted: (runId: string) => void;
  /** The word on the button. */
  readonly verb?: string;
}

/** Starts a workflow: as a form where the input's schema is known, as JSON otherwise and whenever somebody would rather write that. */
export function StartForm({ workflow, schema, start, onStarted, verb = "Start" }: StartFormProps): ReactNode {
  const fields = objectOf(schema).properties.map(({ name }) => name);
  const [value, setValue] = useState<Json>({});
  const [mode, setMode] = useState<"form" | "json">(fields.length === 0 ? "json" : "form");
  // Fields that keep what was typed themselves begin anew with another value.
  const [edition, setEdition] = useState(0);
  const starting = useAction({ mutationFn: start, onSuccess: ({ run }) => onStarted(run.id) });
  const refusal = starting.error === null ? undefined : AppError.from(starting.error);
  const problems = refusal && readInputProblems(refusal.message, fields);
  const fill = (next: Json): void => {
    setValue(next);
    setEdition(edition + 1);
  };
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        starting.mutate(value);
      }}
    >
      <div key={`${mode}/${edition}`}>
        {mode === "form" ? (
          <SchemaForm schema={schema} value={value} onChange={setValue} problems={problems?.fields ?? {}} />
        ) : (
          <JsonField label="Input" value={value} onChange={setValue} problem={problems && jsonProblem(problems.fields)} />
        )}
      </div>
      {problems?.rest !== undefined && <Refusal text={`${refusal?.code}: ${problems.rest}`} />}
      <div className="flex flex-wrap items-center gap-2">
        <Button type="submit" tone="primary" isBusy={starting.isPending}>
          <Play aria-hidden className="size-3.5" />
          {verb}
        </Button>
        <LastInput workflow={workflow} onUse={fill} />
        {fields.length > 0 && (
          <Button tone="quiet" onClick={() => setMode(mode === "form" ? "json" : "form")}>
            {mode === "form" ? "As JSON" : "As a form"}
          </Button>
        )}
      </div>
    </form>
  );
}

function Refusal({ text }: { readonly text: string }): ReactNode {
  return (
    <p role="alert" className="text-[13px] break-words text-red" dir="auto">
      {text}
    </p>
  );
}

/** Fills in what the last run was started with. */
function LastInput({ workflow, onUse }: { readonly workflow: string; readonly onUse: (input: Json) => void }): ReactNode {
  const { data: runs = [] } = useQuery(runsOfQuery(workflow));
  const reading = useAction({
    mutationFn: (runId: string) => queryClient.fetchQuery(runInputQuery(runId)),
    onSuccess: onUse,
    onError: complain,
  });
  const [last] = runs;
  if (last === undefined) return null;
  return (
    <Button isBusy={reading.isPending} onClick={() => reading.mutate(last.id)}>
      <History aria-hidden className="size-3.5" />
      <span>
        Last input (<Moment at={last.startedAt} />)
      </span>
    </Button>
  );
}

function jsonProblem(fields: Readonly<Record<string, string>>): string | undefined {
  const all = Object.entries(fields).map(([field, problem]) => `${field}: ${problem}`);
  return all.length === 0 ? undefined : all.join("; ");
}

import { useQuery } from "@tanstack/react-query";
import type { ToolEntry } from "@tutti/client";
import type { Json } from "@tutti/core";
import { useState, type ReactNode } from "react";
import { useAction } from "../../action.ts";
import { Badge } from "../../parts/badge.tsx";
import { Button } from "../../parts/button.tsx";
import { JsonView } from "../../parts/json-view.tsx";
import { Queried } from "../../parts/queried.tsx";
import { RunLink } from "../../parts/run-link.tsx";
import { SchemaForm } from "../../parts/schema-form.tsx";
import { Failure } from "../../parts/states.tsx";
import { FormFoot, Window } from "../../parts/window.tsx";
import { client } from "../../server.ts";

/** One tool: what it is, what policy says of it, and a form that calls it as a run of its own. */
export function ToolWindow({ name, onClose }: { readonly name: string; readonly onClose: () => void }): ReactNode {
  const tool = useQuery({ queryKey: ["tool", name], queryFn: ({ signal }) => client.tool(name, signal) });
  return (
    <Window title={`Call ${name}`} isOpen onClose={onClose}>
      <Queried query={tool}>{(entry) => <ToolForm tool={entry} onClose={onClose} />}</Queried>
    </Window>
  );
}

function ToolForm({
  tool: { name, description, effect, parameters },
  onClose,
}: {
  readonly tool: ToolEntry;
  readonly onClose: () => void;
}): ReactNode {
  const [input, setInput] = useState<Json>({});
  const calling = useAction({ mutationFn: () => client.callTool(name, input) });
  return (
    <form
      className="flex flex-col gap-3"
      onSubmit={(event) => {
        event.preventDefault();
        calling.mutate();
      }}
    >
      <p className="text-[13px] break-words text-ink-2" dir="auto">
        <Badge>{effect}</Badge> {description}
      </p>
      <SchemaForm schema={parameters} value={input} onChange={setInput} />
      {calling.error !== null && <Failure error={calling.error} />}
      <FormFoot onBack={onClose}>
        <Button type="submit" tone="primary" isBusy={calling.isPending}>
          Call it
        </Button>
      </FormFoot>
      {calling.data !== undefined && (
        <>
          <JsonView label="the answer" value={calling.data.output} openTo={3} />
          <p className="text-[13px]">
            Its run is <RunLink id={calling.data.runId} />.
          </p>
        </>
      )}
    </form>
  );
}

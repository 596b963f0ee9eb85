import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { PanelEntry } from "@tutti/client";
import { AppError, type Json } from "@tutti/core";
import { Hand } from "lucide-react";
import { useState, type ReactNode } from "react";
import { useAction } from "../../action.ts";
import { Button, buttonLook } from "../../parts/button.tsx";
import { JsonView } from "../../parts/json-view.tsx";
import { Failure } from "../../parts/states.tsx";
import { complain, say } from "../../parts/toasts.tsx";
import { GoBack, Window } from "../../parts/window.tsx";
import { approvalsQuery } from "../../queries.ts";
import { client } from "../../server.ts";
import { approvalId } from "../operations/approval-words.ts";
import { defaultsOf, PanelFields } from "./panel-fields.tsx";
import { PanelSource } from "./panel-source.tsx";
import type { PanelInput } from "./queries.ts";

type FormPanel = Extract<PanelEntry, { readonly view: "form" }>;

/** What a form gave, and the run that did it. */
interface Given {
  readonly output: Json;
  readonly runId: string | null;
}

/** Something that a person enters and sends. Where policy asks, it waits for an approval, and goes on when that is given. */
export function PanelForm({ panel }: { readonly panel: FormPanel }): ReactNode {
  const fields = panel.fields ?? [];
  const [input, setInput] = useState(() => defaultsOf(fields));
  const [isAsking, setAsking] = useState(false);
  const { sending, waiting, send } = useSending(panel, input);
  const verb = panel.submit ?? "Send";
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (sending.isPending) return;
        if (panel.confirm === undefined) send();
        else setAsking(true);
      }}
    >
      <PanelFields fields={fields} input={input} onChange={setInput} />
      <div>
        <Button type="submit" tone="primary" isBusy={sending.isPending}>
          {verb}
        </Button>
      </div>
      {waiting && <Waiting tool={toolOf(panel) ?? ""} />}
      {sending.error !== null && <Failure error={sending.error} />}
      {sending.data !== undefined && (
        <>
          <JsonView value={sending.data.output} label="Result" />
          <PanelSource runId={sending.data.runId} />
        </>
      )}
      <Window
        title={panel.confirm ?? verb}
        isOpen={isAsking}
        onClose={() => setAsking(false)}
        foot={
          <>
            <GoBack onClick={() => setAsking(false)} />
            <Button
              tone="primary"
              onClick={() => {
                setAsking(false);
                send();
              }}
            >
              {verb}
            </Button>
          </>
        }
      />
    </form>
  );
}

function useSending(panel: FormPanel, input: PanelInput) {
  const queries = useQueryClient();
  const [waiting, setWaiting] = useState(false);
  const sending = useAction({
    mutationFn: async (): Promise<Given> => {
      const tool = toolOf(panel);
      try {
        const { content, runId } = await client.panelData({ plugin: panel.plugin, panel: panel.id, input });
        return { output: content.view === "form" ? content.output : null, runId };
      } catch (thrown) {
        if (tool === undefined || AppError.from(thrown).code !== "missing_approval") throw thrown;
        // What was entered was held against the fields above; the same call is made again, and waits.
        setWaiting(true);
        const { output, runId } = await client.callApproved({ tool, input: { ...fixedOf(panel), ...input }, wait: true });
        return { output, runId };
      }
    },
    onSuccess: () => {
      say(`${panel.title}: done`);
      // Panels beside it may show what it has changed.
      return queries.invalidateQueries({ queryKey: ["panel", panel.plugin] });
    },
    onError: complain,
    onSettled: () => setWaiting(false),
  });
  return { sending, waiting, send: () => sending.mutate() };
}

function toolOf({ source }: FormPanel): string | undefined {
  return "tool" in source ? source.tool : undefined;
}

function fixedOf({ source }: FormPanel): PanelInput {
  return "tool" in source ? ((source.input ?? {}) as PanelInput) : {};
}

function Waiting({ tool }: { readonly tool: string }): ReactNode {
  const { data: approvals = [] } = useQuery(approvalsQuery);
  const found = approvals.find(({ call }) => call?.tool === tool);
  return (
    <div role="status" className="flex flex-wrap items-center gap-3 rounded-md border border-orange p-3 text-[13px]">
      <Hand aria-hidden className="size-4 text-orange" />
      <span className="grow">Policy asks for an approval. It is done when somebody has given it.</span>
      {found !== undefined && (
        <Link to="/approvals" search={{ approval: approvalId(found) }} className={buttonLook("plain")}>
          See what is asked
        </Link>
      )}
    </div>
  );
}

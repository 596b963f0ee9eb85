import { useMutation, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { PanelEntry, PanelReply } from "@tutti/client";
import { Receipt } from "lucide-react";
import { useDeferredValue, useState, type ReactNode } from "react";
import { Boundary } from "../../parts/boundary.tsx";
import { Button } from "../../parts/button.tsx";
import { cx } from "../../parts/class-names.ts";
import { Panel } from "../../parts/page.tsx";
import { Queried } from "../../parts/queried.tsx";
import { Failure } from "../../parts/states.tsx";
import { complain } from "../../parts/toasts.tsx";
import { Window } from "../../parts/window.tsx";
import { client } from "../../server.ts";
import { ChatInvitation, PanelContents } from "./contents.tsx";
import { defaultsOf, PanelFields } from "./panel-fields.tsx";
import { panelDataQuery } from "./queries.ts";

const SPAN: Readonly<Record<string, string>> = { small: "", medium: "md:col-span-2", wide: "md:col-span-2 xl:col-span-4" };

/** A panel that a plugin brought. */
export function PluginPanel({ panel }: { readonly panel: PanelEntry }): ReactNode {
  const { title, description, size = "medium", plugin } = panel;
  return (
    <div className={cx("min-w-0", SPAN[size])}>
      <Panel
        title={title}
        actions={
          <span className="max-w-40 truncate text-[11px] text-ink-3" dir="auto">
            {plugin}
          </span>
        }
      >
        {description !== undefined && (
          <p className="pb-3 text-xs text-ink-2" dir="auto">
            {description}
          </p>
        )}
        <Boundary>
          <Body panel={panel} />
        </Boundary>
      </Panel>
    </div>
  );
}

function Body({ panel }: { readonly panel: PanelEntry }): ReactNode {
  if (panel.allowed.effect === "deny") return <Refused panel={panel} />;
  if (panel.view === "chat") return <ChatInvitation agent={panel.agent} />;
  return panel.view === "form" ? <Form panel={panel} /> : <Shown panel={panel} />;
}

function Refused({ panel: { allowed } }: { readonly panel: PanelEntry }): ReactNode {
  return (
    <p className="text-[13px] text-ink-2">
      Policy does not let you see this: {allowed.reason} <span className="text-ink-3">({allowed.rule})</span>
    </p>
  );
}

function Shown({ panel }: { readonly panel: PanelEntry }): ReactNode {
  const fields = panel.fields ?? [];
  const [input, setInput] = useState(() => defaultsOf(fields));
  // Data is asked for when somebody stops typing for a moment, and the old one stays until then.
  const data = useQuery({ ...panelDataQuery(panel, useDeferredValue(input)), placeholderData: (before) => before });
  return (
    <div className="flex flex-col gap-4">
      {fields.length > 0 && <PanelFields fields={fields} input={input} onChange={setInput} />}
      <Queried query={data}>
        {(reply) => (
          <>
            <PanelContents panel={panel} content={reply.content} />
            <Source reply={reply} />
          </>
        )}
      </Queried>
    </div>
  );
}

function Form({ panel }: { readonly panel: Extract<PanelEntry, { readonly view: "form" }> }): ReactNode {
  const fields = panel.fields ?? [];
  const [input, setInput] = useState(() => defaultsOf(fields));
  const [isAsking, setAsking] = useState(false);
  const sending = useMutation({ mutationFn: () => client.panelData({ plugin: panel.plugin, panel: panel.id, input }), onError: complain });
  const send = (): void => {
    setAsking(false);
    sending.mutate();
  };
  const verb = panel.submit ?? "Send";
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
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
      {sending.error !== null && <Failure error={sending.error} />}
      {sending.data !== undefined && (
        <>
          <PanelContents panel={panel} content={sending.data.content} />
          <Source reply={sending.data} />
        </>
      )}
      <Window
        title={panel.confirm ?? verb}
        isOpen={isAsking}
        onClose={() => setAsking(false)}
        foot={
          <>
            <Button onClick={() => setAsking(false)}>Keep</Button>
            <Button tone="primary" onClick={send}>
              {verb}
            </Button>
          </>
        }
      />
    </form>
  );
}

/** Where what is shown came from: each call has a receipt. */
function Source({ reply: { runId } }: { readonly reply: PanelReply }): ReactNode {
  if (runId === null) return null;
  return (
    <Link
      to="/runs/$runId"
      params={{ runId }}
      search={{ tab: "receipt" }}
      className="inline-flex w-fit items-center gap-1 text-[11px] text-ink-3 hover:text-ink"
    >
      <Receipt aria-hidden className="size-3" />
      receipt
    </Link>
  );
}

import { useQuery } from "@tanstack/react-query";
import type { PanelEntry } from "@tutti/client";
import { Suspense, useState, type ReactNode } from "react";
import { latePart } from "../../late.tsx";
import { Boundary } from "../../parts/boundary.tsx";
import { cx } from "../../parts/class-names.ts";
import { Panel } from "../../parts/page.tsx";
import { Queried } from "../../parts/queried.tsx";
import { Loading } from "../../parts/states.tsx";
import { useSettled } from "../../parts/use-settled.ts";
import { PanelContents } from "./contents.tsx";
import { defaultsOf, PanelFields } from "./panel-fields.tsx";
import { PanelForm } from "./panel-form.tsx";
import { PanelSource } from "./panel-source.tsx";
import { panelDataQuery } from "./queries.ts";

const PanelChat = latePart(() => import("./panel-chat.tsx"), "PanelChat");

const SPAN: Readonly<Record<string, string>> = { small: "", medium: "md:col-span-2", wide: "md:col-span-2 xl:col-span-4" };

/** A panel that a plugin brought. */
export function PluginPanel({ panel }: { readonly panel: PanelEntry }): ReactNode {
  const { title, description, size = "medium", plugin } = panel;
  return (
    <div className={cx("grid min-w-0", SPAN[size])}>
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
  if (panel.view === "chat")
    return (
      <Suspense fallback={<Loading />}>
        <PanelChat agent={panel.agent} />
      </Suspense>
    );
  return panel.view === "form" ? <PanelForm panel={panel} /> : <Shown panel={panel} />;
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
  const data = useQuery({ ...panelDataQuery(panel, useSettled(input)), placeholderData: (before) => before });
  return (
    <div className="flex flex-col gap-4">
      {fields.length > 0 && <PanelFields fields={fields} input={input} onChange={setInput} />}
      <Queried query={data}>
        {(reply) => (
          <>
            <PanelContents panel={panel} content={reply.content} />
            <PanelSource runId={reply.runId} />
          </>
        )}
      </Queried>
    </div>
  );
}

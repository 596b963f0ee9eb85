import { queryOptions, useQuery, useQueryClient } from "@tanstack/react-query";
import type { FolderPlugin } from "@tutti/client";
import { Puzzle } from "lucide-react";
import { useMemo, useState, type ReactNode } from "react";
import { useAction } from "../../action.ts";
import { Badge } from "../../parts/badge.tsx";
import { Button } from "../../parts/button.tsx";
import { Confirm } from "../../parts/confirm.tsx";
import { Panel } from "../../parts/page.tsx";
import { Queried } from "../../parts/queried.tsx";
import { Empty } from "../../parts/states.tsx";
import { complain, say } from "../../parts/toasts.tsx";
import type { Accent } from "../../parts/tones.ts";
import { useDoing, useNamedHere } from "../../named-here.ts";
import { useActions, type ShellAction } from "../../shell/actions.ts";
import { client } from "../../server.ts";
import { several } from "../../parts/words.ts";
import { AddPlugin } from "./plugin-add.tsx";
import { PluginWindow } from "./plugin-window.tsx";

const pluginsQuery = queryOptions({
  queryKey: ["plugins"],
  queryFn: async ({ signal }) => {
    const [folder, named] = await Promise.all([client.folderPlugins(signal), client.plugins(signal)]);
    return { folder, named };
  },
  refetchInterval: 10_000,
});

const STATUS: Readonly<Record<FolderPlugin["status"], Accent>> = {
  loaded: "green",
  off: "grey",
  asks: "orange",
  failed: "red",
  "crash loop": "red",
};

/** What is installed: what each plugin asks for is shown before it is let. */
export function Plugins(): ReactNode {
  const plugins = useQuery(pluginsQuery);
  const [isAdding, setAdding] = useState(false);
  const actions = useMemo(
    (): readonly ShellAction[] => [
      { id: "add plugin", title: "Add a plugin …", group: "Plugins", words: "install", run: () => setAdding(true) },
    ],
    [],
  );
  useActions(actions);
  return (
    <Queried query={plugins}>
      {({ folder, named }) => (
        <>
          {isAdding && <AddPlugin onClose={() => setAdding(false)} />}
          <Panel title="In the plugins folder" actions={<Button onClick={() => setAdding(true)}>Add …</Button>}>
            {folder.length === 0 ? (
              <Empty icon={Puzzle} title="The folder is empty">
                <code className="font-mono text-ink">tutti plugins new</code> makes a plugin to begin with; Add, or{" "}
                <code className="font-mono text-ink">tutti plugins add</code>, brings one.
              </Empty>
            ) : (
              <ul className="-my-3 flex flex-col">
                {folder.map((plugin) => (
                  <PluginLine key={plugin.name} plugin={plugin} />
                ))}
              </ul>
            )}
          </Panel>
          <Panel title="Named in the configuration">
            <ul className="-my-2 flex flex-col">
              {named.plugins.map(({ name, path, agents, tools, workflows }) => (
                <li key={path} className="border-b border-line/60 py-2 text-[13px] last:border-0">
                  <span className="font-medium" dir="auto">
                    {name}
                  </span>{" "}
                  <span className="text-xs text-ink-2">
                    {several(agents.length, "agent")}, {several(tools.length, "tool")}, {several(workflows.length, "workflow")}
                  </span>
                </li>
              ))}
              {named.plugins.length + named.failures.length === 0 && <li className="py-2 text-[13px] text-ink-2">None is named there.</li>}
              {named.failures.map(({ plugin, message }) => (
                <li key={plugin} className="py-2 text-[13px]">
                  <Badge accent="red">failed</Badge> <span dir="auto">{plugin}</span>
                  <p className="text-xs text-ink-2" dir="auto">
                    {message}
                  </p>
                </li>
              ))}
            </ul>
          </Panel>
        </>
      )}
    </Queried>
  );
}

function PluginLine({ plugin }: { readonly plugin: FolderPlugin }): ReactNode {
  const { name, status, version, description, problem, loaded, asks, process } = plugin;
  return (
    <li
      ref={useNamedHere("plugin", name)}
      tabIndex={-1}
      aria-label={name}
      className="flex flex-col gap-1.5 border-b border-line/60 py-3 last:border-0"
    >
      <div className="flex flex-wrap items-center gap-2 text-[13px]">
        <span className="font-medium" dir="auto">
          {name}
        </span>
        {version !== null && <span className="text-xs text-ink-3">{version}</span>}
        <Badge accent={STATUS[status]}>{status}</Badge>
        <span className="grow" />
        <PluginActs plugin={plugin} />
      </div>
      <p className="text-[13px] text-ink-2" dir="auto">
        {description}
      </p>
      {problem !== null && (
        <pre className="overflow-x-auto rounded-md border border-red bg-ground p-2 font-mono text-xs text-red" dir="auto">
          {problem}
        </pre>
      )}
      {asks.length > 0 && <Asked title="Nobody has granted yet" wants={asks} />}
      <p className="text-xs text-ink-3">
        {loaded !== null && `${several(loaded.tools.length, "tool")}, ${several(loaded.skills.length, "skill")}`}
        {process !== null && ` · process ${process.status}${process.restarts > 0 ? `, ${process.restarts} restarts` : ""}`}
        {process !== null && process.gaps.length > 0 && ` · not held by: ${process.gaps.join(", ")}`}
      </p>
    </li>
  );
}

function Asked({ title, wants }: { readonly title: string; readonly wants: readonly string[] }): ReactNode {
  return (
    <div className="rounded-md border border-orange p-2 text-xs">
      <p className="font-medium text-orange">{title}</p>
      <ul className="list-disc ps-5 text-ink-2">
        {wants.map((want) => (
          <li key={want} dir="auto">
            {want}
          </li>
        ))}
      </ul>
    </div>
  );
}

function PluginActs({ plugin: { name, status, wants } }: { readonly plugin: FolderPlugin }): ReactNode {
  const queries = useQueryClient();
  const [asking, setAsking] = useDoing("plugin", name);
  const refresh = (): Promise<void> => queries.invalidateQueries();
  const disabling = useAction({
    mutationFn: () => client.disableFolderPlugin(name),
    onSuccess: () => {
      // What it asked for was granted before, so taking it back needs no second look.
      say(`${name} is off`, { undo: () => void client.enableFolderPlugin(name, wants).then(refresh, complain) });
      return refresh();
    },
    onError: complain,
  });
  return (
    <>
      <Button onClick={() => setAsking("look")}>Look …</Button>
      {asking === "look" && <PluginWindow name={name} onClose={() => setAsking(undefined)} />}
      {status === "loaded" ? (
        <Button onClick={() => disabling.mutate()} isBusy={disabling.isPending}>
          Disable
        </Button>
      ) : (
        <Button tone="primary" onClick={() => setAsking("enable")}>
          Enable …
        </Button>
      )}
      <Button tone="quiet" onClick={() => setAsking("remove")}>
        Remove …
      </Button>
      <Confirm
        title={`Enable ${name}?`}
        about={wants.length === 0 ? "It asks for nothing." : <Asked title="It asks for" wants={wants} />}
        verb={wants.length === 0 ? "Enable" : "Grant and enable"}
        done={`${name} is on`}
        isOpen={asking === "enable" && status !== "loaded"}
        onClose={() => setAsking(undefined)}
        act={() => client.enableFolderPlugin(name, wants).finally(refresh)}
      />
      <Confirm
        title={`Remove ${name}?`}
        about="Its folder is deleted, and what it has stored with it."
        verb="Remove"
        done={`${name} is gone`}
        isDangerous
        isOpen={asking === "remove"}
        onClose={() => setAsking(undefined)}
        act={() => client.removeFolderPlugin(name).finally(refresh)}
      />
    </>
  );
}

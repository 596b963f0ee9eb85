import { queryOptions, useQuery, useQueryClient } from "@tanstack/react-query";
import type { McpServerEntry, McpToolEntry } from "@tutti/client";
import type { Json } from "@tutti/core";
import { Cable } from "lucide-react";
import { useMemo, useState, type ReactNode } from "react";
import { useAction } from "../../action.ts";
import { Badge } from "../../parts/badge.tsx";
import { Button } from "../../parts/button.tsx";
import { Confirm } from "../../parts/confirm.tsx";
import { JsonView } from "../../parts/json-view.tsx";
import { Panel } from "../../parts/page.tsx";
import { SafeLink } from "../../parts/safe-link.tsx";
import { Queried } from "../../parts/queried.tsx";
import { JsonField } from "../../parts/schema-form.tsx";
import { Empty } from "../../parts/states.tsx";
import { complain, say } from "../../parts/toasts.tsx";
import type { Accent } from "../../parts/tones.ts";
import { Window } from "../../parts/window.tsx";
import { useDoing, useNamedHere } from "../../named-here.ts";
import { useActions, type ShellAction } from "../../shell/actions.ts";
import { client } from "../../server.ts";
import { several } from "../../parts/words.ts";

const serversQuery = queryOptions({
  queryKey: ["mcp servers"],
  queryFn: ({ signal }) => client.mcpServers(signal),
  refetchInterval: 10_000,
});
const STATE: Readonly<Record<McpServerEntry["state"], Accent>> = { connected: "green", idle: "grey", down: "red" };
const PIN: Readonly<Record<McpToolEntry["state"], Accent>> = { approved: "green", new: "orange", changed: "red", gone: "grey" };
const EXAMPLE: Json = { name: "files", command: "npx", args: ["-y", "@modelcontextprotocol/server-filesystem", "/srv/files"] };

/** Other programs' tools. A tool is callable once somebody approved it as it was shown. */
export function McpServers(): ReactNode {
  const servers = useQuery(serversQuery);
  const [isAdding, setAdding] = useState(false);
  const actions = useMemo(
    (): readonly ShellAction[] => [
      { id: "add mcp", title: "Add an MCP server …", group: "MCP servers", words: "model context protocol", run: () => setAdding(true) },
    ],
    [],
  );
  useActions(actions);
  return (
    <Panel title="MCP servers" actions={<Button onClick={() => setAdding(true)}>Add …</Button>}>
      <Queried query={servers}>
        {(all) =>
          all.length === 0 ? (
            <Empty icon={Cable} title="No MCP server is used yet">
              Add one here, under <code className="font-mono text-ink">mcpServers</code> in the configuration, or with{" "}
              <code className="font-mono text-ink">tutti mcp add</code>.
            </Empty>
          ) : (
            <ul className="-my-3 flex flex-col">
              {all.map((server) => (
                <ServerLine key={server.name} server={server} />
              ))}
            </ul>
          )
        }
      </Queried>
      {isAdding && <Adding onClose={() => setAdding(false)} />}
    </Panel>
  );
}

function Adding({ onClose }: { readonly onClose: () => void }): ReactNode {
  const [setting, setSetting] = useState<Json>(EXAMPLE);
  const queries = useQueryClient();
  const adding = useAction({
    mutationFn: () => client.addMcpServer(setting),
    onSuccess: ({ name }) => {
      say(`${name} is added; look at its tools before they can be called`);
      onClose();
      return queries.invalidateQueries(serversQuery);
    },
    onError: complain,
  });
  return (
    <Window
      title="Add an MCP server"
      about="The same keys as under mcpServers in the configuration. A command runs in a jail without network or keys."
      isOpen
      onClose={onClose}
      foot={
        <Button tone="primary" onClick={() => adding.mutate()} isBusy={adding.isPending}>
          Add
        </Button>
      }
    >
      <JsonField label="Setting" value={setting} onChange={setSetting} />
    </Window>
  );
}

function ServerLine({ server }: { readonly server: McpServerEntry }): ReactNode {
  const { name, transport, state, reason, tools, calls, failures, server: about, isConfigured } = server;
  const [doing, setDoing] = useDoing("server", name);
  const queries = useQueryClient();
  const testing = useAction({
    mutationFn: () => client.testMcpServer(name),
    onSuccess: ({ state: now }) => {
      say(`${name} is ${now}`);
      return queries.invalidateQueries(serversQuery);
    },
    onError: complain,
  });
  return (
    <li
      ref={useNamedHere("server", name)}
      tabIndex={-1}
      aria-label={name}
      className="flex flex-col gap-1.5 border-b border-line/60 py-3 text-[13px] last:border-0"
    >
      <div className="flex flex-wrap items-center gap-2">
        <span className="font-medium" dir="auto">
          {name}
        </span>
        <Badge>{transport}</Badge>
        <Badge accent={STATE[state]}>{state}</Badge>
        {tools.waiting > 0 && <Badge accent="orange">{several(tools.waiting, "tool")} to look at</Badge>}
        <span className="grow" />
        <Button onClick={() => testing.mutate()} isBusy={testing.isPending}>
          {state === "connected" ? "Test" : "Connect"}
        </Button>
        {transport === "http" && <LogIn name={name} />}
        <Button tone={tools.waiting > 0 ? "primary" : "plain"} onClick={() => setDoing("tools")}>
          Tools …
        </Button>
        {!isConfigured && (
          <Button tone="quiet" onClick={() => setDoing("remove")}>
            Remove …
          </Button>
        )}
      </div>
      <p className="text-xs text-ink-2" dir="auto">
        {about !== undefined && `${about.name} ${about.version}, revision ${about.revision} · `}
        {several(tools.approved, "tool")} approved · {several(calls, "call")}
        {failures > 0 && `, ${failures} failed`}
        {reason !== undefined && ` · ${reason}`}
      </p>
      {doing === "tools" && <Pins name={name} onClose={() => setDoing(undefined)} />}
      <Confirm
        title={`Remove ${name}?`}
        about="Its tools are gone at once; what was approved of it is forgotten."
        verb="Remove"
        done={`${name} is gone`}
        isDangerous
        isOpen={doing === "remove" && !isConfigured}
        onClose={() => setDoing(undefined)}
        act={() => client.removeMcpServer(name).finally(() => queries.invalidateQueries(serversQuery))}
      />
    </li>
  );
}

/** Asks the server where a person logs in, and leads there. */
function LogIn({ name }: { readonly name: string }): ReactNode {
  const asking = useAction({
    mutationFn: () => client.loginMcpServer(name),
    onSuccess: (url) => {
      if (url === null) say(`${name} wants no login, or has one`);
    },
    onError: complain,
  });
  if (typeof asking.data === "string") return <SafeLink href={asking.data}>Go on to the login of {name}</SafeLink>;
  return (
    <Button onClick={() => asking.mutate()} isBusy={asking.isPending}>
      Log in …
    </Button>
  );
}

function Pins({ name, onClose }: { readonly name: string; readonly onClose: () => void }): ReactNode {
  const queries = useQueryClient();
  // What is approved must be what is there now: nothing that was read before is shown again.
  const server = useQuery({
    queryKey: ["mcp server", name],
    queryFn: ({ signal }) => client.mcpServer(name, signal),
    gcTime: 0,
    staleTime: 0,
  });
  const approving = useAction({
    mutationFn: (pins: readonly McpToolEntry[]) =>
      // What was looked at goes along: a change in between is refused.
      client.approveMcpServer(name, {
        tools: pins.map((pin) => pin.name),
        hashes: Object.fromEntries(pins.map((pin) => [pin.name, pin.hash])),
      }),
    onSuccess: () => {
      say("Approved as shown");
      return queries.invalidateQueries();
    },
    onError: complain,
  });
  return (
    <Window
      title={`Tools of ${name}`}
      about="A model reads what stands here as if it were ours. Approve what you have read."
      isOpen
      isWide
      onClose={onClose}
    >
      <Queried query={server}>
        {({ pinned }) => {
          const waiting = pinned.filter(({ state }) => state === "new" || state === "changed");
          return (
            <div className="flex flex-col gap-3">
              {pinned.length === 0 && <Empty title="It has listed no tools yet">Test the connection first.</Empty>}
              {waiting.length > 0 && (
                <Button tone="primary" onClick={() => approving.mutate(waiting)} isBusy={approving.isPending}>
                  Approve {waiting.length} as shown
                </Button>
              )}
              {pinned.map((pin) => (
                <section key={pin.name} aria-label={pin.name} className="flex flex-col gap-2 rounded-lg border border-line p-3">
                  <div className="flex items-center gap-2">
                    <h3 className="grow text-[13px] font-medium" dir="auto">
                      {pin.name}
                    </h3>
                    <Badge accent={PIN[pin.state]}>{pin.state}</Badge>
                    {(pin.state === "new" || pin.state === "changed") && <Button onClick={() => approving.mutate([pin])}>Approve</Button>}
                  </div>
                  {pin.was !== undefined && <JsonView value={pin.was} label="what was approved" openTo={1} />}
                  <JsonView value={pin.tool} label={pin.was === undefined ? "the tool" : "what it is now"} openTo={1} />
                </section>
              ))}
            </div>
          );
        }}
      </Queried>
    </Window>
  );
}

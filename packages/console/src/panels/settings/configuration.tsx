import { queryOptions, useQuery } from "@tanstack/react-query";
import type { ConfigEntry } from "@tutti/client";
import { useState, type ReactNode } from "react";
import { Badge } from "../../parts/badge.tsx";
import { TextField } from "../../parts/fields.tsx";
import { Panel } from "../../parts/page.tsx";
import { Queried } from "../../parts/queried.tsx";
import { Empty } from "../../parts/states.tsx";
import { client } from "../../server.ts";

const configQuery = queryOptions({ queryKey: ["config"], queryFn: ({ signal }) => client.config(signal) });

/** Every setting, its value and where it comes from. It is changed where it comes from, so that no two places differ. */
export function Configuration(): ReactNode {
  const config = useQuery(configQuery);
  const [text, setText] = useState("");
  const wanted = text.trim().toLowerCase();
  return (
    <Panel title="Configuration">
      <Queried query={config} lines={10}>
        {({ file, settings }) => {
          const shown = settings.filter(({ key, env, description }) => `${key} ${env} ${description}`.toLowerCase().includes(wanted));
          return (
            <div className="flex flex-col gap-3">
              <p className="text-[13px] text-ink-2">
                {file === null ? (
                  "No configuration file was read."
                ) : (
                  <>
                    Read from <code className="font-mono text-ink">{file}</code>.
                  </>
                )}{" "}
                A change counts at the next start.
              </p>
              <TextField label="Find a setting" type="search" value={text} onChange={({ target }) => setText(target.value)} />
              {shown.length === 0 && <Empty title="No setting is called that" />}
              <ul className="flex flex-col">
                {shown.map((entry) => (
                  <SettingLine key={entry.key} entry={entry} />
                ))}
              </ul>
            </div>
          );
        }}
      </Queried>
    </Panel>
  );
}

function SettingLine({ entry: { key, value, source, env, description, valid } }: { readonly entry: ConfigEntry }): ReactNode {
  return (
    <li className="grid grid-cols-[minmax(0,1fr)] gap-x-4 gap-y-0.5 border-b border-line/60 py-2 text-[13px] last:border-0 sm:grid-cols-[14rem_minmax(0,1fr)_auto]">
      <span className="font-mono text-xs break-words">{key}</span>
      <code className="font-mono text-xs break-words text-green" dir="auto">
        {value}
      </code>
      <Badge accent={source === "default" ? "grey" : "blue"}>{source}</Badge>
      <span className="text-xs text-ink-2 sm:col-span-3" title={valid}>
        {description}
        {env !== "" && <code className="ms-2 font-mono text-ink-3">{env}</code>}
      </span>
    </li>
  );
}

import { queryOptions, useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import type { ConfigEntry } from "@tutti/client";
import type { ReactNode } from "react";
import { Badge } from "../../parts/badge.tsx";
import { Choice, TextField } from "../../parts/fields.tsx";
import { Panel } from "../../parts/page.tsx";
import { Queried } from "../../parts/queried.tsx";
import { Empty } from "../../parts/states.tsx";
import { client } from "../../server.ts";

const configQuery = queryOptions({ queryKey: ["config"], queryFn: ({ signal }) => client.config(signal) });

/** Every setting, its value and where it comes from. It is changed where it comes from, so that no two places differ. */
export function Configuration(): ReactNode {
  const config = useQuery(configQuery);
  const { q: text = "", source = "" } = useSearch({ strict: false });
  const navigate = useNavigate();
  const change = (next: Readonly<Record<string, string>>): void =>
    void navigate({
      to: "/settings/$section",
      params: { section: "configuration" },
      search: { q: text, source, ...next },
      replace: true,
    });
  const wanted = text.trim().toLowerCase();
  return (
    <Panel title="Configuration">
      <Queried query={config} lines={10}>
        {({ file, settings }) => {
          const sources = [...new Set(settings.map((entry) => entry.source))].toSorted();
          const shown = settings.filter(
            (entry) =>
              (source === "" || entry.source === source) && `${entry.key} ${entry.env} ${entry.description}`.toLowerCase().includes(wanted),
          );
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
                What is given on the command line wins over the environment, that over the file, and that over what holds by default; each
                setting tells which one won. A change counts at the next start.
              </p>
              <div className="flex flex-wrap gap-3">
                <div className="min-w-64 grow">
                  <TextField label="Find a setting" type="search" value={text} onChange={({ target }) => change({ q: target.value })} />
                </div>
                <div className="w-44">
                  <Choice
                    label="From"
                    value={source}
                    options={[{ value: "", label: "anywhere" }, ...sources.map((value) => ({ value, label: value }))]}
                    onChange={({ target }) => change({ source: target.value })}
                  />
                </div>
              </div>
              {shown.length === 0 && <Empty title="No setting is called that" />}
              <ul aria-label="Settings" className="flex flex-col">
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

function SettingLine({ entry: { key, value, source, env, description, valid, isSecret } }: { readonly entry: ConfigEntry }): ReactNode {
  return (
    <li className="grid grid-cols-[minmax(0,1fr)] gap-x-4 gap-y-0.5 border-b border-line/60 py-2 text-[13px] last:border-0 sm:grid-cols-[14rem_minmax(0,1fr)_auto]">
      <span className="font-mono text-xs break-words">{key}</span>
      <code className="font-mono text-xs break-words text-green" dir="auto">
        {value}
      </code>
      <Badge accent={source === "default" ? "grey" : "blue"}>{source}</Badge>
      <span className="text-xs text-ink-2 sm:col-span-3">
        {isSecret && "Secret. "}
        {description} <span className="text-ink-3">Wanted: {valid}.</span>
        {env !== "" && <code className="ms-2 font-mono text-ink-3">{env}</code>}
      </span>
    </li>
  );
}

import { useQuery } from "@tanstack/react-query";
import type { FolderPluginDetails } from "@tutti/client";
import { CircleCheck, CircleX } from "lucide-react";
import type { ReactNode } from "react";
import { Queried } from "../../parts/queried.tsx";
import { Window } from "../../parts/window.tsx";
import { client } from "../../server.ts";

interface PluginWindowProps {
  readonly name: string;
  readonly onClose: () => void;
}

/** What a plugin asks for, brings and printed, and whether it is well. */
export function PluginWindow({ name, onClose }: PluginWindowProps): ReactNode {
  const plugin = useQuery({ queryKey: ["plugin", name], queryFn: ({ signal }) => client.folderPlugin(name, signal) });
  return (
    <Window title={name} isOpen isWide onClose={onClose}>
      <Queried query={plugin}>{(details) => <Details plugin={details} />}</Queried>
    </Window>
  );
}

function Details({ plugin }: { readonly plugin: FolderPluginDetails }): ReactNode {
  const { folder, version, loaded, wants, asks, output, problem } = plugin;
  return (
    <div className="flex flex-col gap-4 text-[13px]">
      <p className="text-xs text-ink-2" dir="ltr">
        {folder}
        {version !== null && ` · version ${version}`}
        {loaded !== null && ` · ${loaded.hash.slice(0, 16)}`}
      </p>
      <ul aria-label="How it is" className="flex flex-col gap-1">
        {checksOf(plugin).map(({ text, isWell }) => (
          <li key={text} className="flex items-start gap-2">
            {isWell ? (
              <CircleCheck aria-label="well" className="mt-0.5 size-4 shrink-0 text-green" />
            ) : (
              <CircleX aria-label="not well" className="mt-0.5 size-4 shrink-0 text-red" />
            )}
            <span dir="auto">{text}</span>
          </li>
        ))}
      </ul>
      {problem !== null && (
        <pre className="overflow-x-auto rounded-md border border-red bg-ground p-2 font-mono text-xs text-red" dir="auto" tabIndex={0}>
          {problem}
        </pre>
      )}
      <Words title="It asks for" words={wants} none="nothing" isOpen={(want) => asks.includes(want)} />
      <Words title="Tools" words={loaded?.tools ?? []} none="none" />
      <Words title="Skills" words={loaded?.skills ?? []} none="none" />
      <section aria-label="What it printed last">
        <h3 className="pb-1 text-xs font-semibold text-ink-2">What it printed last</h3>
        <pre
          className="max-h-64 overflow-auto rounded-md border border-line bg-ground p-2 font-mono text-xs whitespace-pre-wrap"
          dir="auto"
          tabIndex={0}
        >
          {output === "" ? "nothing" : output}
        </pre>
      </section>
    </div>
  );
}

interface WordsProps {
  readonly title: string;
  readonly words: readonly string[];
  readonly none: string;
  readonly isOpen?: (word: string) => boolean;
}

function Words({ title, words, none, isOpen = () => false }: WordsProps): ReactNode {
  return (
    <section aria-label={title}>
      <h3 className="pb-1 text-xs font-semibold text-ink-2">{title}</h3>
      {words.length === 0 ? (
        <p className="text-ink-3">{none}</p>
      ) : (
        <ul className="list-disc ps-5">
          {words.map((word) => (
            <li key={word} dir="auto">
              {word}
              {isOpen(word) && <span className="text-orange"> (nobody has granted it yet)</span>}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

/** What `tutti plugins doctor` looks at, as far as the server knows it. */
function checksOf({ status, problem, asks, process }: FolderPluginDetails): readonly { readonly text: string; readonly isWell: boolean }[] {
  return [
    { isWell: problem === null, text: problem === null ? "Its manifest can be read" : "Something is wrong with it, see below" },
    { isWell: asks.length === 0, text: asks.length === 0 ? "All that it asks for is granted" : `${asks.length} things are not granted` },
    { isWell: status === "loaded", text: `It is ${status === "asks" ? "waiting to be granted what it asks for" : status}` },
    ...(process === null
      ? []
      : [
          { isWell: process.restarts === 0, text: `Its process is ${process.status}, after ${process.restarts} restarts` },
          {
            isWell: process.gaps.length === 0,
            text: process.gaps.length === 0 ? "Its process is held by everything it should be" : `Not held by: ${process.gaps.join(", ")}`,
          },
        ]),
  ];
}

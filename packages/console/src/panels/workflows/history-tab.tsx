import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import type { GraphVersion } from "@tutti/client";
import { History, RotateCcw, Trash2 } from "lucide-react";
import { useState, type ReactNode } from "react";
import { Button } from "../../parts/button.tsx";
import { Confirm } from "../../parts/confirm.tsx";
import { Panel } from "../../parts/page.tsx";
import { Queried } from "../../parts/queried.tsx";
import { Empty } from "../../parts/states.tsx";
import { Moment } from "../../parts/time.tsx";
import { complain } from "../../parts/toasts.tsx";
import { queryClient } from "../../query-client.ts";
import { workflowsQuery } from "../../queries.ts";
import { client } from "../../server.ts";
import { keepDraft } from "./drafts.ts";
import { textOfSaved } from "./graph-words.ts";
import { graphVersionQuery, graphVersionsQuery, savedGraphQuery } from "./queries.ts";
import { VersionDiff } from "./version-diff.tsx";

/** All versions of a graph: who saved each, when and why; what two differ in; and an old one made new again. */
export function HistoryTab({ name }: { readonly name: string }): ReactNode {
  const query = useQuery(graphVersionsQuery(name));
  return (
    <Queried query={query}>
      {(versions) =>
        versions.length === 0 ? (
          <Empty icon={History} title="Nothing is saved yet">
            Each time the graph is saved, a version is kept here.
          </Empty>
        ) : (
          <Versions name={name} versions={versions} />
        )
      }
    </Queried>
  );
}

function Versions({ name, versions }: { readonly name: string; readonly versions: readonly GraphVersion[] }): ReactNode {
  const search = useSearch({ from: "/workflows/$name" });
  const navigate = useNavigate({ from: "/workflows/$name" });
  const [isDeleting, setDeleting] = useState(false);
  const newest = versions[0]?.version ?? 1;
  const to = Number(search["to"] ?? newest);
  const from = Number(search["from"] ?? Math.max(1, to - 1));
  const choose = (end: "from" | "to", version: number): void =>
    void navigate({ search: (before) => ({ ...before, from: String(from), to: String(to), [end]: String(version) }), replace: true });
  return (
    <div className="grid items-start gap-4 xl:grid-cols-[minmax(0,30rem)_minmax(0,1fr)]">
      <Panel
        title="Versions"
        actions={
          <Button tone="quiet" onClick={() => setDeleting(true)}>
            <Trash2 aria-hidden className="size-3.5" />
            Delete
          </Button>
        }
      >
        <div className="overflow-x-auto">
          <table className="w-full text-[13px]">
            <thead>
              <tr className="text-start text-xs text-ink-3">
                <th scope="col" className="pb-1 text-start font-medium">
                  From
                </th>
                <th scope="col" className="pb-1 text-start font-medium">
                  To
                </th>
                <th scope="col" className="pb-1 text-start font-medium">
                  Version
                </th>
                <th scope="col" className="pb-1 text-end font-medium">
                  <span className="sr-only">Restore</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {versions.map((version) => (
                <VersionLine key={version.version} version={version} newest={newest} {...{ from, to, choose }} />
              ))}
            </tbody>
          </table>
        </div>
      </Panel>
      <VersionDiff name={name} from={from} to={to} />
      <Confirm
        title={`Delete ${name}?`}
        about="It cannot be started any more. Runs go on, and the versions stay in the log."
        verb="Delete"
        done={`${name} is deleted`}
        isDangerous
        isOpen={isDeleting}
        onClose={() => setDeleting(false)}
        act={async () => {
          await client.deleteGraph(name, { ifVersion: newest });
          queryClient.removeQueries(savedGraphQuery(name));
          await queryClient.invalidateQueries(workflowsQuery);
          await navigate({ to: "/workflows", search: {} });
        }}
      />
    </div>
  );
}

interface VersionLineProps {
  readonly version: GraphVersion;
  readonly newest: number;
  readonly from: number;
  readonly to: number;
  readonly choose: (end: "from" | "to", version: number) => void;
}

function VersionLine({ version: { name, version, savedAt, by, message }, newest, from, to, choose }: VersionLineProps): ReactNode {
  const navigate = useNavigate({ from: "/workflows/$name" });
  const restore = async (): Promise<void> => {
    const old = await queryClient.fetchQuery(graphVersionQuery(name, version));
    keepDraft(name, { text: textOfSaved(old), version: newest, message: `Version ${version} again` });
    await navigate({ search: { tab: "edit" } });
  };
  return (
    <tr className="border-t border-line/60 align-top">
      {(["from", "to"] as const).map((end) => (
        <td key={end} className="w-12 py-2">
          <input
            type="radio"
            name={end}
            aria-label={`Compare ${end} version ${version}`}
            checked={(end === "from" ? from : to) === version}
            onChange={() => choose(end, version)}
            className="mt-1 accent-blue"
          />
        </td>
      ))}
      <td className="py-2">
        <p className="font-medium">
          {`${version} `}
          <span className="font-normal text-ink-2" dir="auto">
            {message}
          </span>
        </p>
        <p className="text-xs text-ink-3">
          <span dir="auto">{by}</span>
          {", "}
          <Moment at={savedAt} />
        </p>
      </td>
      <td className="py-1.5 text-end">
        {version !== newest && (
          <Button tone="quiet" aria-label={`Restore version ${version}`} onClick={() => void restore().catch(complain)}>
            <RotateCcw aria-hidden className="size-3.5" />
            Restore
          </Button>
        )}
      </td>
    </tr>
  );
}

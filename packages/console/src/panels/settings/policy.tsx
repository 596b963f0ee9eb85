import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { PolicyFault, PolicyReplayReply, PolicyStatus } from "@tutti/client";
import { useState, type ReactNode } from "react";
import { Badge } from "../../parts/badge.tsx";
import { Button } from "../../parts/button.tsx";
import { TextArea } from "../../parts/fields.tsx";
import { Panel } from "../../parts/page.tsx";
import { Queried } from "../../parts/queried.tsx";
import { Failure } from "../../parts/states.tsx";
import { Moment } from "../../parts/time.tsx";
import { complain, say } from "../../parts/toasts.tsx";
import type { Accent } from "../../parts/tones.ts";
import { count, shortId } from "../../parts/words.ts";
import { toolsQuery } from "../../queries.ts";
import { client } from "../../server.ts";

const policyQuery = queryOptions({ queryKey: ["policy"], queryFn: ({ signal }) => client.policy(signal) });
const WEEK_MS = 7 * 86_400_000;
/** What the text is called where its problems are told. */
const FILE = "tool_policy.yaml";
/** Differences that are shown; the command shows all. */
const SHOWN = 200;
/** Pages of the log that one dry run reads at most. */
const PAGES_MAX = 200;

const EFFECT: Readonly<Record<string, Accent>> = { allow: "green", ask: "orange", deny: "red", depends: "violet" };

/** The policy in force, what it lets you call, and what another one would have decided. */
export function PolicySettings(): ReactNode {
  return (
    <>
      <InForce />
      <DryRun />
      <Tools />
    </>
  );
}

function InForce(): ReactNode {
  const policy = useQuery(policyQuery);
  const queries = useQueryClient();
  const reloading = useMutation({
    mutationFn: () => client.reloadPolicy(),
    onSuccess: (status) => {
      say(status.status === "broken" ? "The file is not right; what was in force stays" : "Read again");
      queries.setQueryData(policyQuery.queryKey, status);
    },
    onError: complain,
  });
  return (
    <Panel
      title="In force"
      actions={
        <Button onClick={() => reloading.mutate()} isBusy={reloading.isPending}>
          Read again
        </Button>
      }
    >
      <Queried query={policy}>{(status) => <Standing status={status} />}</Queried>
    </Panel>
  );
}

function Standing({
  status: { status, path, ruleCount, policyHash, since, problems = [], warnings = [], shadow },
}: {
  readonly status: PolicyStatus;
}): ReactNode {
  return (
    <div className="flex flex-col gap-3 text-[13px]">
      <p className="flex flex-wrap items-center gap-2">
        <Badge accent={status === "in-force" ? "green" : status === "broken" ? "red" : "grey"}>{status}</Badge>
        {path === null ? "No file: what is not allowed in the configuration is denied." : <code className="font-mono text-xs">{path}</code>}
      </p>
      <p className="text-ink-2">
        {count(ruleCount)} rules
        {since !== undefined && (
          <>
            , since <Moment at={since} />
          </>
        )}
        , hash <code className="font-mono text-xs">{policyHash.slice(0, 16)}</code>
      </p>
      <Faults title="Problems" faults={problems} />
      <Faults title="Warnings" faults={warnings} />
      {shadow !== null && shadow.counts !== null && (
        <p className="text-ink-2">
          In its shadow another policy decided {count(shadow.counts.decided)} times since <Moment at={shadow.counts.since} />, and differed{" "}
          {count(shadow.counts.differed)} times.
        </p>
      )}
    </div>
  );
}

function Faults({ title, faults }: { readonly title: string; readonly faults: readonly PolicyFault[] }): ReactNode {
  if (faults.length === 0) return null;
  return (
    <div>
      <h3 className="pb-1 text-xs font-semibold text-ink-2">{title}</h3>
      <ul className="flex flex-col gap-2">
        {faults.map(({ name, line, column, message, snippet }) => (
          <li key={`${name} ${line} ${column} ${message}`} className="rounded-md border border-line bg-ground p-2 font-mono text-xs">
            <p className="text-red">{`${name}:${line}:${column} ${message}`}</p>
            <pre className="overflow-x-auto text-ink-2">{snippet.join("\n")}</pre>
          </li>
        ))}
      </ul>
    </div>
  );
}

const EXAMPLE = `version: 1
rules:
  - id: ask-before-writing
    effect: ask
    reason: somebody looks at what is written
    match: { tool: "*", effect: write }
`;

function DryRun(): ReactNode {
  const [text, setText] = useState("");
  const files = [{ name: FILE, text }];
  const checking = useMutation({ mutationFn: () => client.checkPolicy(files), onError: complain });
  const replaying = useMutation({
    mutationFn: async () => {
      const checked = await client.checkPolicy(files);
      return checked.ok ? { ok: true as const, replay: await replayWeek(files) } : { ok: false as const, faults: checked.problems };
    },
  });
  return (
    <Panel title="Dry run: what would last week's calls have got?">
      <div className="flex flex-col gap-3">
        <TextArea
          label="A policy to try (YAML)"
          help="Nothing of it is put in force. To do that, write it into the file above: it is read as soon as it changes."
          rows={12}
          spellCheck={false}
          value={text}
          placeholder={EXAMPLE}
          onChange={({ target }) => setText(target.value)}
        />
        <div className="flex flex-wrap gap-2">
          <Button onClick={() => checking.mutate()} isBusy={checking.isPending} disabled={text.trim() === ""}>
            Check
          </Button>
          <Button tone="primary" onClick={() => replaying.mutate()} isBusy={replaying.isPending} disabled={text.trim() === ""}>
            Try it on last week
          </Button>
        </div>
        {checking.data !== undefined && (
          <div role="status" className="text-[13px]">
            {checking.data.ok ? `It is right: ${checking.data.rules ?? 0} rules.` : "It is not right."}
            <Faults title="Problems" faults={checking.data.problems} />
            <Faults title="Warnings" faults={checking.data.warnings} />
          </div>
        )}
        {replaying.error !== null && <Failure error={replaying.error} />}
        {replaying.data?.ok === false && <Faults title="Problems" faults={replaying.data.faults} />}
        {replaying.data?.ok === true && <Replayed replay={replaying.data.replay} />}
      </div>
    </Panel>
  );
}

/** A week of the log, page after page, as one answer. */
async function replayWeek(files: readonly { readonly name: string; readonly text: string }[]): Promise<PolicyReplayReply> {
  const since = new Date(Date.now() - WEEK_MS).toISOString();
  let whole = await client.replayPolicy({ files, since });
  for (let page = 1; whole.nextPosition !== null && page < PAGES_MAX; page += 1) {
    const next = await client.replayPolicy({ files, since, afterPosition: whole.nextPosition });
    whole = {
      ...next,
      decided: whole.decided + next.decided,
      changed: whole.changed + next.changed,
      withoutFacts: whole.withoutFacts + next.withoutFacts,
      changes: [...whole.changes, ...next.changes].slice(0, SHOWN),
    };
  }
  return whole;
}

function Replayed({ replay: { decided, changed, changes, withoutFacts } }: { readonly replay: PolicyReplayReply }): ReactNode {
  return (
    <div role="status" className="flex flex-col gap-2 text-[13px]">
      <p>
        Of {count(decided)} decisions of the last week <b>{count(changed)}</b> would have been others.
        {withoutFacts > 0 && ` ${count(withoutFacts)} were made on facts that the log does not hold, and may differ too.`}
      </p>
      {changes.length > 0 && (
        <div className="max-h-96 overflow-auto" tabIndex={0} role="region" aria-label="Decisions that would have been others">
          <table className="w-full">
            <thead>
              <tr className="text-xs text-ink-2">
                {["when", "call", "who", "was", "would be", "run"].map((title) => (
                  <th key={title} scope="col" className="border-b border-line py-1 pe-3 text-start font-medium">
                    {title}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {changes.slice(0, SHOWN).map(({ runId, key, at, resource, principal, from, to }) => (
                <tr key={`${runId} ${key} ${at}`} className="border-b border-line/60">
                  <td className="py-1 pe-3 text-xs text-ink-2">
                    <Moment at={at} />
                  </td>
                  <td className="py-1 pe-3" dir="auto">
                    {resource}
                  </td>
                  <td className="py-1 pe-3 text-xs text-ink-2" dir="auto">
                    {principal}
                  </td>
                  <td className="py-1 pe-3" title={from.reason}>
                    <Badge accent={EFFECT[from.effect]}>{from.effect}</Badge>
                  </td>
                  <td className="py-1 pe-3" title={`${to.rule}: ${to.reason}`}>
                    <Badge accent={EFFECT[to.effect]}>{to.effect}</Badge>
                  </td>
                  <td className="py-1 font-mono text-xs">
                    <Link to="/runs/$runId" params={{ runId }} className="hover:underline">
                      {shortId(runId)}
                    </Link>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </div>
  );
}

function Tools(): ReactNode {
  const tools = useQuery(toolsQuery);
  return (
    <Panel title="What you may call">
      <Queried query={tools}>
        {(all) => (
          <ul className="-my-2 flex flex-col">
            {all.map(({ name, description, source, allowed }) => (
              <li key={name} className="flex items-center gap-3 border-b border-line/60 py-2 text-[13px] last:border-0">
                <span className="w-20 shrink-0">
                  <Badge accent={EFFECT[allowed.effect]}>{allowed.effect}</Badge>
                </span>
                <span className="min-w-0 grow" dir="auto">
                  <span className="block truncate font-medium">{name}</span>
                  <span className="block truncate text-xs text-ink-2">{description}</span>
                </span>
                <span className="hidden max-w-80 truncate text-xs text-ink-3 lg:block" title={allowed.reason}>
                  {allowed.rule}
                </span>
                <Badge>{source}</Badge>
              </li>
            ))}
          </ul>
        )}
      </Queried>
    </Panel>
  );
}

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import type { PolicyStatus } from "@tutti/client";
import { useMemo, useState, type ReactNode } from "react";
import { useAction } from "../../action.ts";
import { useLatest } from "../../latest.ts";
import { Badge } from "../../parts/badge.tsx";
import { Button } from "../../parts/button.tsx";
import { TextField } from "../../parts/fields.tsx";
import { Panel } from "../../parts/page.tsx";
import { Queried } from "../../parts/queried.tsx";
import { Loading } from "../../parts/states.tsx";
import { Moment } from "../../parts/time.tsx";
import { complain, say } from "../../parts/toasts.tsx";
import { count, several } from "../../parts/words.ts";
import { toolsQuery } from "../../queries.ts";
import { client } from "../../server.ts";
import { useActions, type ShellAction } from "../../shell/actions.ts";
import { PolicyDryRun, ShadowReplay } from "./policy-dry-run.tsx";
import { Faults } from "./policy-faults.tsx";
import { policyQuery, policyRulesQuery } from "./policy-queries.ts";
import { PolicyQuestion } from "./policy-question.tsx";
import { EFFECT_ACCENT } from "../../parts/tones.ts";
import { PolicyRules } from "./policy-rules.tsx";

/** The policy in force, what it lets you call, and what another one would have decided. */
export function PolicySettings(): ReactNode {
  const { data: status, isPending } = useQuery(policyQuery);
  const { isLoading } = useQuery({ ...policyRulesQuery(status ?? {}), enabled: status !== undefined });
  // All of it comes at once: what came later would move the buttons below it under the pointer. What could not be read says so in its place.
  const [wasRead, setWasRead] = useState(false);
  if (!wasRead && !isPending && !isLoading) setWasRead(true);
  if (!wasRead) return <Loading />;
  return (
    <>
      <InForce />
      <PolicyDryRun />
      <PolicyQuestion />
      <Tools />
    </>
  );
}

function InForce(): ReactNode {
  const policy = useQuery(policyQuery);
  const queries = useQueryClient();
  const reloading = useAction({
    mutationFn: () => client.reloadPolicy(),
    onSuccess: (status) => {
      say(status.status === "broken" ? "The file is not right; what was in force stays" : "Read again");
      queries.setQueryData(policyQuery.queryKey, status);
    },
    onError: complain,
  });
  const latest = useLatest(reloading.mutate);
  const actions = useMemo(
    (): readonly ShellAction[] => [
      { id: "policy reload", title: "Read the policy file again", group: "Policy", words: "reload", run: () => latest.current() },
    ],
    [latest],
  );
  useActions(actions);
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

function Standing({ status: standing }: { readonly status: PolicyStatus }): ReactNode {
  const { status, path, ruleCount, policyHash, since, problems = [], warnings = [], shadow } = standing;
  return (
    <div className="flex flex-col gap-3 text-[13px]">
      <p className="flex flex-wrap items-center gap-2">
        <Badge accent={status === "in-force" ? "green" : status === "broken" ? "red" : "grey"}>{status}</Badge>
        {path === null ? (
          "No file: what is not allowed in the configuration is denied."
        ) : (
          <code className="min-w-0 font-mono text-xs break-all">{path}</code>
        )}
      </p>
      <p className="text-ink-2">
        {several(ruleCount, "rule")}
        {since !== undefined && (
          <>
            , since <Moment at={since} />
          </>
        )}
        , hash <code className="font-mono text-xs">{policyHash.slice(0, 16)}</code>
      </p>
      <Faults title="Problems" faults={problems} />
      <Faults isWarning title="Warnings" faults={warnings} />
      <PolicyRules status={standing} />
      {shadow !== null && shadow.counts !== null && (
        <p className="text-ink-2">
          In its shadow another policy decided {count(shadow.counts.decided)} times since <Moment at={shadow.counts.since} />, and differed{" "}
          {count(shadow.counts.differed)} times.
        </p>
      )}
      {shadow !== null && <ShadowReplay />}
    </div>
  );
}

function Tools(): ReactNode {
  const tools = useQuery(toolsQuery);
  const { tool: wanted = "" } = useSearch({ strict: false });
  const navigate = useNavigate();
  const isWanted = (name: string): boolean => name.toLowerCase().includes(wanted.toLowerCase());
  return (
    <Panel title="What you may call">
      <div className="max-w-sm pb-3">
        <TextField
          label="Find a tool"
          type="search"
          value={wanted}
          onChange={({ target }) =>
            void navigate({ to: "/settings/$section", params: { section: "policy" }, search: { tool: target.value }, replace: true })
          }
        />
      </div>
      <Queried query={tools}>
        {(all) => (
          <ul aria-label="Tools" className="-my-2 flex flex-col">
            {all.every(({ name }) => !isWanted(name)) && <li className="py-2 text-[13px] text-ink-2">No tool is called that.</li>}
            {all
              .filter(({ name }) => isWanted(name))
              .map(({ name, description, source, allowed }) => (
                <li key={name} className="flex items-center gap-3 border-b border-line/60 py-2 text-[13px] last:border-0">
                  <span className="w-20 shrink-0">
                    <Badge accent={EFFECT_ACCENT[allowed.effect]}>{allowed.effect}</Badge>
                  </span>
                  <span className="min-w-0 grow" dir="auto">
                    <span className="block truncate font-medium">{name}</span>
                    <span className="block truncate text-xs text-ink-2">{description}</span>
                  </span>
                  <span className="hidden max-w-96 truncate text-xs text-ink-2 lg:block" dir="auto" title={allowed.reason}>
                    {allowed.reason} <span className="text-ink-3">({allowed.rule})</span>
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

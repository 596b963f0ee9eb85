import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { PolicyReplayReply } from "@tutti/client";
import { useState, type ReactNode } from "react";
import { useAction } from "../../action.ts";
import { useNewestWork } from "../../newest-work.ts";
import { Badge } from "../../parts/badge.tsx";
import { Button } from "../../parts/button.tsx";
import { TextArea } from "../../parts/fields.tsx";
import { Panel } from "../../parts/page.tsx";
import { Failure } from "../../parts/states.tsx";
import { Moment } from "../../parts/time.tsx";
import { complain } from "../../parts/toasts.tsx";
import { count, shortId } from "../../parts/words.ts";
import { client } from "../../server.ts";
import { Faults } from "./policy-faults.tsx";
import { EFFECT_ACCENT } from "../../parts/tones.ts";
import { policyQuery, policyRulesQuery } from "./policy-queries.ts";
import { policyText } from "./policy-text.ts";

const WEEK_MS = 7 * 86_400_000;
/** What the text is called where its problems are told. */
const FILE = "tool_policy.yaml";
/** Differences that are shown; the command shows all. */
const SHOWN = 200;
/** Pages of the log that one dry run reads at most. */
const PAGES_MAX = 200;

/** Holds another policy against the calls of last week: at first the one in force, to be changed. Nothing of it is put in force. */
export function PolicyDryRun(): ReactNode {
  const { data: status } = useQuery(policyQuery);
  const { data: rules } = useQuery({ ...policyRulesQuery(status ?? {}), enabled: status !== undefined });
  const [typed, setText] = useState<string>();
  const text = typed ?? (rules === undefined ? "" : policyText(rules));
  const files = [{ name: FILE, text }];
  const { begin, end } = useNewestWork();
  const checking = useAction({ mutationFn: () => client.checkPolicy(files), onError: complain });
  const replaying = useAction({
    mutationFn: async () => {
      const signal = begin();
      const checked = await client.checkPolicy(files, signal);
      return checked.ok
        ? { ok: true as const, replay: await wholeWeek((at) => client.replayPolicy({ files, ...at }, signal)) }
        : { ok: false as const, faults: checked.problems };
    },
  });
  return (
    <Panel title="Dry run: what would last week's calls have got?">
      <div className="flex flex-col gap-3">
        <TextArea
          label="A policy to try (YAML)"
          help="It begins as the rules in force, or with an example. Nothing of it is put in force. To do that, write it into the file above: it is read as soon as it changes."
          rows={12}
          spellCheck={false}
          value={text}
          onChange={({ target }) => {
            setText(target.value);
            // What was said of the text before is not said of this one.
            end();
            checking.reset();
            replaying.reset();
          }}
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
            <Faults isWarning title="Warnings" faults={checking.data.warnings} />
          </div>
        )}
        {replaying.error !== null && <Failure error={replaying.error} />}
        {replaying.data?.ok === false && <Faults title="Problems" faults={replaying.data.faults} />}
        {replaying.data?.ok === true && <Replayed replay={replaying.data.replay} />}
      </div>
    </Panel>
  );
}

/** What the policy in the shadow would have decided of last week's calls. */
export function ShadowReplay(): ReactNode {
  const { begin } = useNewestWork();
  const replaying = useAction({
    mutationFn: () => {
      const signal = begin();
      return wholeWeek((at) => client.shadowPolicy(at, signal));
    },
  });
  return (
    <div className="flex flex-col items-start gap-3">
      <Button onClick={() => replaying.mutate()} isBusy={replaying.isPending}>
        What would it have changed last week?
      </Button>
      {replaying.error !== null && <Failure error={replaying.error} />}
      {replaying.data !== undefined && <Replayed replay={replaying.data} />}
    </div>
  );
}

/** A week of the log, page after page, as one answer. */
async function wholeWeek(
  ask: (at: { readonly since: string; readonly afterPosition?: number }) => Promise<PolicyReplayReply>,
): Promise<PolicyReplayReply> {
  const since = new Date(Date.now() - WEEK_MS).toISOString();
  let whole = await ask({ since });
  for (let page = 1; whole.nextPosition !== null && page < PAGES_MAX; page += 1) {
    const next = await ask({ since, afterPosition: whole.nextPosition });
    whole = {
      ...next,
      decided: whole.decided + next.decided,
      changed: whole.changed + next.changed,
      withoutFacts: whole.withoutFacts + next.withoutFacts,
      byChange: added(whole.byChange, next.byChange),
      byRule: added(whole.byRule, next.byRule),
      changes: [...whole.changes, ...next.changes].slice(0, SHOWN),
    };
  }
  return whole;
}

type Counts = Readonly<Record<string, number>>;

function added(one: Counts, other: Counts): Counts {
  return Object.fromEntries(
    [...new Set([...Object.keys(one), ...Object.keys(other)])].map((key) => [key, (one[key] ?? 0) + (other[key] ?? 0)]),
  );
}

function CountList({ title, counts }: { readonly title: string; readonly counts: Counts }): ReactNode {
  const entries = Object.entries(counts).toSorted(([, a], [, b]) => b - a);
  if (entries.length === 0) return null;
  return (
    <p className="flex flex-wrap items-center gap-2 text-xs text-ink-2" dir="auto">
      {title}
      {entries.map(([name, number]) => (
        <Badge key={name}>
          {name} {count(number)}
        </Badge>
      ))}
    </p>
  );
}

function Replayed({
  replay: { decided, changed, changes, withoutFacts, byChange, byRule },
}: {
  readonly replay: PolicyReplayReply;
}): ReactNode {
  return (
    <div role="status" className="flex flex-col gap-2 text-[13px]">
      <p>
        Of {count(decided)} decisions of the last week <b>{count(changed)}</b> would have been others.
        {withoutFacts > 0 && ` ${count(withoutFacts)} were made on facts that the log does not hold, and may differ too.`}
      </p>
      {changed > 0 && <CountList title="From what to what:" counts={byChange} />}
      {changed > 0 && <CountList title="By which rule:" counts={byRule} />}
      {changed > changes.length && <p className="text-xs text-ink-2">The first {count(changes.length)} are shown.</p>}
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
                <tr key={`${runId} ${key} ${at}`} className="border-b border-line/60 align-top">
                  <td className="py-1 pe-3 text-xs text-ink-2">
                    <Moment at={at} />
                  </td>
                  <td className="py-1 pe-3" dir="auto">
                    {resource}
                  </td>
                  <td className="py-1 pe-3 text-xs text-ink-2" dir="auto">
                    {principal}
                  </td>
                  <Said decision={from} />
                  <Said decision={to} />
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

/** What was or would be decided, by which rule and why. */
function Said({ decision: { effect, rule, reason } }: { readonly decision: PolicyReplayReply["changes"][number]["from"] }): ReactNode {
  return (
    <td className="max-w-64 py-1 pe-3">
      <Badge accent={EFFECT_ACCENT[effect]}>{effect}</Badge>
      <span className="block text-xs break-words text-ink-2" dir="auto">
        {reason} <span className="text-ink-3">({rule})</span>
      </span>
    </td>
  );
}

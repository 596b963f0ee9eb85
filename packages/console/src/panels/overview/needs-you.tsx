import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { PartyPopper } from "lucide-react";
import * as m from "motion/react-m";
import { useMemo, useState, type ReactNode } from "react";
import { Badge } from "../../parts/badge.tsx";
import { Button } from "../../parts/button.tsx";
import { Moving } from "../../parts/moving.tsx";
import { Panel } from "../../parts/page.tsx";
import { Empty } from "../../parts/states.tsx";
import { Moment, Sentence } from "../../parts/time.tsx";
import { approvalsQuery, healthQuery } from "../../queries.ts";
import { needsOf } from "./needs.ts";
import { budgetsQuery, deadLettersQuery, pausedQuery, supervisedQuery } from "./queries.ts";

const ABSENT = { opacity: 0, x: -12 };
const PRESENT = { opacity: 1, x: 0 };

/** Rows that are shown until somebody wants all. */
const SHOWN = 8;

/** What waits for a person, the most urgent first. */
export function NeedsYou(): ReactNode {
  const { data: approvals = [] } = useQuery(approvalsQuery);
  const { data: paused } = useQuery(pausedQuery);
  const { data: supervised = [] } = useQuery(supervisedQuery);
  const { data: deadLetters = [] } = useQuery(deadLettersQuery);
  const { data: health } = useQuery(healthQuery);
  const { data: keys = [] } = useQuery(budgetsQuery);
  const [isWhole, setWhole] = useState(false);
  const needs = useMemo(
    () => needsOf({ approvals, paused: paused?.runs ?? [], supervised, deadLetters, components: health?.components ?? [], keys }),
    [approvals, paused, supervised, deadLetters, health, keys],
  );
  return (
    <Panel title={needs.length === 0 ? "Needs you now" : `Needs you now (${needs.length})`}>
      {needs.length === 0 && (
        <Empty icon={PartyPopper} title="Nothing needs you">
          Questions of agents, runs that stand still, crash loops and budgets that run out appear here.
        </Empty>
      )}
      <Moving>
        <ul className="-my-2 flex flex-col">
          {needs.slice(0, isWhole ? needs.length : SHOWN).map(({ id, kind, accent, title, why, since, to, search }) => (
            <m.li key={id} layout="position" initial={ABSENT} animate={PRESENT} className="border-b border-line/60 last:border-0">
              <Link to={to} {...(search !== undefined && { search })} className="flex items-center gap-3 rounded-md py-2 hover:bg-ground-2">
                <span className="w-24 shrink-0">
                  <Badge accent={accent}>{kind}</Badge>
                </span>
                <span className="min-w-0 grow" dir="auto">
                  <span className="block truncate text-[13px] font-medium">{title}</span>
                  <span className="block truncate text-xs text-ink-2">
                    <Sentence text={why} />
                  </span>
                </span>
                {since !== null && (
                  <span className="text-xs text-ink-3">
                    <Moment at={since} />
                  </span>
                )}
              </Link>
            </m.li>
          ))}
        </ul>
      </Moving>
      {needs.length > SHOWN && (
        <Button tone="quiet" aria-expanded={isWhole} onClick={() => setWhole(!isWhole)}>
          {isWhole ? "Show the most urgent" : `Show ${needs.length - SHOWN} more`}
        </Button>
      )}
    </Panel>
  );
}

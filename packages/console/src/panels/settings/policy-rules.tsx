import { useQuery } from "@tanstack/react-query";
import type { PolicyRuleEntry, PolicyStatus } from "@tutti/client";
import type { Json } from "@tutti/core";
import { useState, type ReactNode } from "react";
import { Badge } from "../../parts/badge.tsx";
import { Button } from "../../parts/button.tsx";
import { Queried } from "../../parts/queried.tsx";
import { several } from "../../parts/words.ts";
import { policyRulesQuery } from "./policy-queries.ts";
import { EFFECT_ACCENT } from "../../parts/tones.ts";

/** Rules that are shown until somebody wants all. */
const SHOWN = 50;

/** The rules in force, as their file has them: what each says, about what, and when. */
export function PolicyRules({ status }: { readonly status: PolicyStatus }): ReactNode {
  const rules = useQuery(policyRulesQuery(status));
  const [isWhole, setWhole] = useState(false);
  return (
    <Queried query={rules}>
      {(all) =>
        all.length === 0 ? (
          <p className="text-[13px] text-ink-2">
            {status.status === "none"
              ? "No rules are written: the safe tools and those that toolsAllow names may be called, and nothing else."
              : "No rule is in force: nothing is allowed but looking and stopping, until the file is right."}
          </p>
        ) : (
          <div>
            <h3 className="pb-1 text-xs font-semibold text-ink-2">Rules, in the order of the file; the strictest that speaks decides</h3>
            <ol aria-label="Rules in force" className="flex flex-col">
              {all.slice(0, isWhole ? all.length : SHOWN).map((rule) => (
                <Rule key={rule.id} rule={rule} />
              ))}
            </ol>
            {all.length > SHOWN && (
              <Button tone="quiet" aria-expanded={isWhole} onClick={() => setWhole(!isWhole)}>
                {isWhole ? "Show the first ones" : `Show ${several(all.length - SHOWN, "more rule")}`}
              </Button>
            )}
          </div>
        )
      }
    </Queried>
  );
}

function Rule({ rule: { id, effect, reason, match, when, approval, name, line } }: { readonly rule: PolicyRuleEntry }): ReactNode {
  return (
    <li className="flex items-start gap-3 border-b border-line/60 py-2 last:border-0">
      <span className="w-14 shrink-0">
        <Badge accent={EFFECT_ACCENT[effect]}>{effect}</Badge>
      </span>
      <span className="min-w-0 grow text-[13px]" dir="auto">
        <span className="font-medium break-words">{id}</span> <span className="break-words text-ink-2">{reason}</span>
        <span className="flex flex-wrap gap-x-4 gap-y-0.5 font-mono text-xs text-ink-2">
          <Part name="match" value={match} />
          {when !== undefined && <Part name="when" value={when} />}
          {approval !== undefined && <Part name="approval" value={approval} />}
          <span className="min-w-0 break-words" title={`${name}:${line}`}>
            <span className="text-ink-3">at</span> {name.split("/").at(-1)}:{line}
          </span>
        </span>
      </span>
    </li>
  );
}

function Part({ name, value }: { readonly name: string; readonly value: Json }): ReactNode {
  return (
    <span className="min-w-0 break-words">
      <span className="text-ink-3">{name}</span> {JSON.stringify(value)}
    </span>
  );
}

import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Badge } from "../../parts/badge.tsx";
import { Panel } from "../../parts/page.tsx";
import { Queried } from "../../parts/queried.tsx";
import { Moment, Sentence } from "../../parts/time.tsx";
import { HEALTH_ACCENT } from "../../parts/tones.ts";
import { healthQuery, statusQuery } from "../../queries.ts";

/** How each part is, since when, why, and what to do about it; and what is off and how to turn it on. */
export function HealthSettings(): ReactNode {
  const health = useQuery(healthQuery);
  const status = useQuery(statusQuery);
  return (
    <>
      <Panel title="Parts">
        <Queried query={health}>
          {({ components }) => (
            <ul className="-my-2 flex flex-col">
              {components.map(({ name, status: state, since, reason, todo }) => (
                <li key={name} className="flex items-start gap-3 border-b border-line/60 py-2 text-[13px] last:border-0">
                  <span className="w-20 shrink-0">
                    <Badge accent={HEALTH_ACCENT[state]}>{state}</Badge>
                  </span>
                  <span className="min-w-0 grow" dir="auto">
                    <span className="font-medium">{name}</span>
                    <span className="block text-xs break-words text-ink-2">
                      <Sentence text={reason} />
                    </span>
                    {todo !== null && (
                      <span className="block text-xs break-words text-orange">
                        <Sentence text={todo} />
                      </span>
                    )}
                  </span>
                  <span className="text-xs text-ink-3">
                    <Moment at={since} />
                  </span>
                </li>
              ))}
            </ul>
          )}
        </Queried>
      </Panel>
      <Panel title="What is off, and how to turn it on">
        <Queried query={status}>
          {({ off, version }) => (
            <>
              <ul className="-my-2 flex flex-col">
                {off.map(({ name, how }) => (
                  <li key={name} className="border-b border-line/60 py-2 text-[13px] last:border-0" dir="auto">
                    <span className="font-medium">{name}</span>
                    <span className="block text-xs text-ink-2">{how}</span>
                  </li>
                ))}
              </ul>
              <p className="pt-3 text-xs text-ink-3">Tutti {version}</p>
            </>
          )}
        </Queried>
      </Panel>
    </>
  );
}

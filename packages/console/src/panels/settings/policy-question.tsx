import { useQuery } from "@tanstack/react-query";
import type { PolicyExplanation, RuleSayingEntry } from "@tutti/client";
import type { Json } from "@tutti/core";
import { useState, type ReactNode } from "react";
import { useAction } from "../../action.ts";
import { Badge } from "../../parts/badge.tsx";
import { Button } from "../../parts/button.tsx";
import { Choice } from "../../parts/fields.tsx";
import { Panel } from "../../parts/page.tsx";
import { JsonField } from "../../parts/schema-form.tsx";
import { Failure } from "../../parts/states.tsx";
import { toolsQuery } from "../../queries.ts";
import { client } from "../../server.ts";
import { EFFECT_ACCENT } from "../../parts/tones.ts";

/** What would be decided of a call now, and why. Nothing is called. */
export function PolicyQuestion(): ReactNode {
  const { data: tools = [] } = useQuery(toolsQuery);
  const [chosen, setChosen] = useState("");
  const [input, setInput] = useState<Json>({});
  const resource = chosen === "" ? (tools[0]?.name ?? "") : chosen;
  const asking = useAction({ mutationFn: () => client.explainPolicy({ action: { kind: "tool.call", resource, input } }) });
  return (
    <Panel title="Ask: what would be decided, and why?">
      <form
        className="flex flex-col gap-3"
        onSubmit={(event) => {
          event.preventDefault();
          asking.mutate();
        }}
      >
        <div className="max-w-sm">
          <Choice
            label="Tool"
            value={resource}
            options={tools.map(({ name }) => ({ value: name, label: name }))}
            onChange={({ target }) => setChosen(target.value)}
          />
        </div>
        <JsonField label="Input" value={input} onChange={setInput} />
        <div>
          <Button type="submit" isBusy={asking.isPending} disabled={resource === ""}>
            Ask
          </Button>
        </div>
      </form>
      <div role="status" className="flex flex-col gap-3 pt-3">
        {asking.error !== null && <Failure error={asking.error} />}
        {asking.data !== undefined && <Explained explanation={asking.data} />}
      </div>
    </Panel>
  );
}

function Explained({ explanation: { action, decision, rules } }: { readonly explanation: PolicyExplanation }): ReactNode {
  return (
    <>
      <p className="flex flex-wrap items-center gap-2 text-[13px]" dir="auto">
        <Badge accent={EFFECT_ACCENT[decision.effect]}>{decision.effect}</Badge>
        <b>{action.resource}</b>
        <span className="text-ink-2">
          {decision.reason} ({decision.rule})
        </span>
      </p>
      <RuleList title="Rules that speak" rules={rules.speaking} />
      <RuleList title="Rules that nearly speak" rules={rules.near} />
    </>
  );
}

function RuleList({ title, rules }: { readonly title: string; readonly rules: readonly RuleSayingEntry[] }): ReactNode {
  if (rules.length === 0) return null;
  return (
    <div>
      <h3 className="pb-1 text-xs font-semibold text-ink-2">{title}</h3>
      <ul className="flex flex-col gap-1 text-xs">
        {rules.map(({ id, effect, reason, conditions }) => (
          <li key={id} className="rounded-md border border-line bg-ground p-2" dir="auto">
            <Badge accent={EFFECT_ACCENT[effect]}>{effect}</Badge> <b>{id}</b> <span className="text-ink-2">{reason}</span>
            {conditions.map(({ wants, got, holds }) => (
              <p key={wants} className="pt-1 text-ink-3">
                {holds === "yes" ? "holds" : holds === "no" ? "does not hold" : "not known"}: wants {wants}, got {got}
              </p>
            ))}
          </li>
        ))}
      </ul>
    </div>
  );
}

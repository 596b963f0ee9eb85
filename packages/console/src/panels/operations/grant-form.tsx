import { useQuery, useQueryClient } from "@tanstack/react-query";
import type { GrantRequest } from "@tutti/client";
import { AppError } from "@tutti/core";
import { Plus } from "lucide-react";
import { useState, type ReactNode } from "react";
import { useAction } from "../../action.ts";
import { Button } from "../../parts/button.tsx";
import { Choice, TextField } from "../../parts/fields.tsx";
import { Failure } from "../../parts/states.tsx";
import { say } from "../../parts/toasts.tsx";
import { Window } from "../../parts/window.tsx";
import { agentsQuery, toolsQuery } from "../../queries.ts";
import { client } from "../../server.ts";
import { ConditionFields } from "./condition-fields.tsx";
import { EMPTY_CONDITION, whereOf, type ConditionDraft } from "./grant-terms.ts";
import { HOLDS_MS } from "./spans.ts";

/** A grant as the form has it: texts as somebody types them. */
interface Draft {
  readonly tool: string;
  readonly agent: string;
  readonly principal: string;
  readonly conditions: readonly ConditionDraft[];
  readonly uses: string;
  readonly amountPath: string;
  readonly amountMax: string;
  readonly expiresInMs: string;
  readonly reason: string;
}

const EMPTY: Draft = {
  tool: "",
  agent: "",
  principal: "",
  conditions: [],
  uses: "10",
  amountPath: "",
  amountMax: "",
  expiresInMs: "86400000",
  reason: "",
};

/** Gives a standing grant: which tool and inputs, for whom, how often, how much, until when. */
export function GrantForm({ onClose }: { readonly onClose: () => void }): ReactNode {
  const queries = useQueryClient();
  const [draft, setDraft] = useState(EMPTY);
  const change = (part: Partial<Draft>): void => setDraft({ ...draft, ...part });
  const giving = useAction({
    // Within the promise, so that what the form says wrongly is shown like what the server refuses.
    mutationFn: async () => client.createGrant(requestOf(draft)),
    onSuccess: async ({ tool }) => {
      await queries.invalidateQueries({ queryKey: ["grants"] });
      say(`Calls of ${tool} are granted`);
      onClose();
    },
  });
  return (
    <Window
      title="Give a standing grant"
      about="Calls that fit go through without asking anybody. Bound it tightly: it can be revoked, but what it let through is done."
      isOpen
      onClose={onClose}
      isWide
      foot={
        <Button tone="primary" disabled={draft.tool === ""} isBusy={giving.isPending} onClick={() => giving.mutate()}>
          Give the grant
        </Button>
      }
    >
      <div className="flex flex-col gap-4">
        {giving.error !== null && <Failure error={giving.error} />}
        <Whom draft={draft} onChange={change} />
        <Conditions conditions={draft.conditions} onChange={(conditions) => change({ conditions })} />
        <Limits draft={draft} onChange={change} />
      </div>
    </Window>
  );
}

interface PartProps {
  readonly draft: Draft;
  readonly onChange: (part: Partial<Draft>) => void;
}

function Whom({ draft, onChange }: PartProps): ReactNode {
  const { data: tools = [] } = useQuery(toolsQuery);
  const { data: agents = [] } = useQuery(agentsQuery);
  const named = (names: readonly { readonly name: string }[], none: string) => [
    { value: "", label: none },
    ...names.map(({ name }) => ({ value: name, label: name })),
  ];
  return (
    <div className="grid gap-3 sm:grid-cols-3">
      <Choice
        label="Tool"
        value={draft.tool}
        options={named(tools, "Choose …")}
        onChange={({ target }) => onChange({ tool: target.value })}
      />
      <Choice
        label="Agent"
        value={draft.agent}
        options={named(agents, "any")}
        onChange={({ target }) => onChange({ agent: target.value })}
      />
      <TextField
        label="Principal"
        placeholder="anybody"
        value={draft.principal}
        maxLength={200}
        onChange={({ target }) => onChange({ principal: target.value })}
      />
    </div>
  );
}

interface ConditionsProps {
  readonly conditions: readonly ConditionDraft[];
  readonly onChange: (conditions: readonly ConditionDraft[]) => void;
}

function Conditions({ conditions, onChange }: ConditionsProps): ReactNode {
  return (
    <section aria-label="Which inputs" className="flex flex-col gap-2">
      <h3 className="text-xs font-semibold text-ink-2">Which inputs</h3>
      {conditions.length === 0 && (
        <p className="text-[13px] text-ink-2">Any input of the tool. Places that no condition names may hold anything.</p>
      )}
      {conditions.map((condition, index) => (
        <ConditionFields
          // A condition has no name before it is typed; its place in the list is what it is.
          key={index}
          number={index + 1}
          condition={condition}
          onChange={(next) => onChange(conditions.with(index, next))}
          onRemove={() => onChange(conditions.toSpliced(index, 1))}
        />
      ))}
      <span>
        <Button onClick={() => onChange([...conditions, EMPTY_CONDITION])}>
          <Plus aria-hidden className="size-3.5" />
          Condition
        </Button>
      </span>
    </section>
  );
}

function Limits({ draft, onChange }: PartProps): ReactNode {
  return (
    <div className="grid gap-3 sm:grid-cols-4">
      <TextField
        label="Uses at most"
        type="number"
        min={1}
        max={10_000}
        value={draft.uses}
        onChange={({ target }) => onChange({ uses: target.value })}
      />
      <TextField
        label="Sum of (may be left empty)"
        placeholder="amount"
        value={draft.amountPath}
        maxLength={200}
        onChange={({ target }) => onChange({ amountPath: target.value })}
      />
      <TextField
        label="is at most"
        type="number"
        step="any"
        min={0}
        disabled={draft.amountPath === ""}
        value={draft.amountMax}
        onChange={({ target }) => onChange({ amountMax: target.value })}
      />
      <Choice
        label="Holds for"
        value={draft.expiresInMs}
        options={HOLDS_MS}
        onChange={({ target }) => onChange({ expiresInMs: target.value })}
      />
      <div className="sm:col-span-4">
        <TextField label="Reason" value={draft.reason} maxLength={2000} onChange={({ target }) => onChange({ reason: target.value })} />
      </div>
    </div>
  );
}

function requestOf({ tool, agent, principal, conditions, uses, amountPath, amountMax, expiresInMs, reason }: Draft): GrantRequest {
  const path = amountPath.trim();
  if (path !== "" && amountMax.trim() === "")
    throw new AppError("invalid_input", `wanted the most that the sum of ${path} may be, got none`);
  return {
    tool,
    where: whereOf(conditions),
    usesMax: Number(uses),
    expiresInMs: Number(expiresInMs),
    reason: reason.trim(),
    ...(agent !== "" && { agent }),
    ...(principal.trim() !== "" && { principal: principal.trim() }),
    ...(path !== "" && { amount: { path, max: Number(amountMax) } }),
  };
}

import { useQueryClient } from "@tanstack/react-query";
import type { CreatedKey, KeyEntry } from "@tutti/client";
import { Plus, Trash2 } from "lucide-react";
import { useState, type ReactNode } from "react";
import { useAction } from "../../action.ts";
import { Button, IconButton } from "../../parts/button.tsx";
import { Choice, TextField } from "../../parts/fields.tsx";
import { Failure } from "../../parts/states.tsx";
import { say } from "../../parts/toasts.tsx";
import { GoBack, Window } from "../../parts/window.tsx";
import { client } from "../../server.ts";
import { changesOf, draftOf, NO_BUDGET, PERIODS, requestOf, type BudgetDraft, type KeyDraft } from "./key-draft.ts";
import { SecretWindow } from "./secret-window.tsx";

interface KeyFormProps {
  /** The key to change; left out, a new one is made. */
  readonly entry?: KeyEntry;
  readonly onClose: () => void;
}

/** What a key may use. A new one's secret is shown once. */
export function KeyForm({ entry, onClose }: KeyFormProps): ReactNode {
  const [draft, setDraft] = useState(() => draftOf(entry));
  const [made, setMade] = useState<CreatedKey>();
  const queries = useQueryClient();
  const saving = useAction({
    mutationFn: async () => {
      if (entry === undefined) return setMade(await client.createKey(requestOf(draft)));
      await client.updateKey(entry.id, changesOf(draft));
      say(`${draft.name.trim()} is changed`);
      onClose();
    },
    onSettled: () => queries.invalidateQueries({ queryKey: ["keys"] }),
  });
  if (made !== undefined)
    return (
      <SecretWindow
        title="The new key"
        about="Its secret is shown this once."
        secret={made.secret}
        label="Copy the key"
        onClose={onClose}
      />
    );
  const set = (change: Partial<KeyDraft>): void => setDraft({ ...draft, ...change });
  return (
    <Window
      title={entry === undefined ? "New key" : `Change ${entry.name}`}
      about="What is left empty is not limited."
      isOpen
      onClose={onClose}
      foot={
        <>
          <GoBack onClick={onClose} />
          <Button tone="primary" onClick={() => saving.mutate()} isBusy={saving.isPending} disabled={draft.name.trim() === ""}>
            {entry === undefined ? "Make the key" : "Save"}
          </Button>
        </>
      }
    >
      <form
        className="flex flex-col gap-3"
        onSubmit={(event) => {
          event.preventDefault();
          if (draft.name.trim() !== "") saving.mutate();
        }}
      >
        {/* Enter in a field sends the form, whose button stands at the foot of the window. */}
        <button type="submit" hidden>
          Save
        </button>
        {saving.error !== null && <Failure error={saving.error} />}
        <TextField label="Name" value={draft.name} required maxLength={200} onChange={({ target }) => set({ name: target.value })} />
        <KeyFields draft={draft} set={set} />
        <BudgetFields budgets={draft.budgets} onChange={(budgets) => set({ budgets })} />
      </form>
    </Window>
  );
}

interface FieldsProps {
  readonly draft: KeyDraft;
  readonly set: (change: Partial<KeyDraft>) => void;
}

function KeyFields({ draft, set }: FieldsProps): ReactNode {
  const number = (key: "requestsPerMinute" | "tokensPerMinute" | "parallel", label: string): ReactNode => (
    <TextField label={label} type="number" min={1} step={1} value={draft[key]} onChange={({ target }) => set({ [key]: target.value })} />
  );
  return (
    <>
      <TextField
        label="Models"
        value={draft.models}
        help="Names or patterns such as gpt-*, with commas between; empty: all"
        onChange={({ target }) => set({ models: target.value })}
      />
      <div className="grid gap-3 sm:grid-cols-3">
        {number("requestsPerMinute", "Requests a minute")}
        {number("tokensPerMinute", "Tokens a minute")}
        {number("parallel", "At a time")}
        <TextField label="User" value={draft.user} maxLength={200} onChange={({ target }) => set({ user: target.value })} />
        <TextField label="Team" value={draft.team} maxLength={200} onChange={({ target }) => set({ team: target.value })} />
        <TextField label="Last day" type="date" value={draft.expiresOn} onChange={({ target }) => set({ expiresOn: target.value })} />
      </div>
    </>
  );
}

interface BudgetsProps {
  readonly budgets: readonly BudgetDraft[];
  readonly onChange: (budgets: readonly BudgetDraft[]) => void;
}

function BudgetFields({ budgets, onChange }: BudgetsProps): ReactNode {
  const change = (place: number, next: Partial<BudgetDraft>): void =>
    onChange(budgets.map((budget, at) => (at === place ? { ...budget, ...next } : budget)));
  return (
    <fieldset className="flex flex-col gap-2">
      <legend className="pb-1 text-xs font-medium text-ink-2">Budgets</legend>
      {budgets.map(({ amountUsd, tokens, per }, place) => (
        // Budgets are told apart by their place in the form.
        <div key={place} className="grid grid-cols-[1fr_1fr_1fr_auto] items-end gap-2">
          <TextField
            label="US dollars"
            type="number"
            min={0}
            step="any"
            value={amountUsd}
            onChange={({ target }) => change(place, { amountUsd: target.value })}
          />
          <TextField
            label="Tokens"
            type="number"
            min={1}
            step={1}
            value={tokens}
            onChange={({ target }) => change(place, { tokens: target.value })}
          />
          <Choice
            label="Per"
            value={per}
            options={PERIODS.map((value) => ({ value, label: value }))}
            onChange={({ target }) => change(place, { per: PERIODS.find((one) => one === target.value) ?? "month" })}
          />
          <IconButton label={`Remove budget ${place + 1}`} type="button" onClick={() => onChange(budgets.filter((_, at) => at !== place))}>
            <Trash2 aria-hidden className="size-3.5" />
          </IconButton>
        </div>
      ))}
      <div>
        <Button type="button" onClick={() => onChange([...budgets, NO_BUDGET])}>
          <Plus aria-hidden className="size-3.5" />
          Budget
        </Button>
      </div>
    </fieldset>
  );
}

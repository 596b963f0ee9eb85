import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { BudgetLeft, KeyEntry, KeyRequest } from "@tutti/client";
import { KeyRound } from "lucide-react";
import { useState, type ReactNode } from "react";
import { Badge } from "../../parts/badge.tsx";
import { Button } from "../../parts/button.tsx";
import { Confirm } from "../../parts/confirm.tsx";
import { CopyButton } from "../../parts/copy.tsx";
import { Choice, TextField } from "../../parts/fields.tsx";
import { Panel } from "../../parts/page.tsx";
import { Queried } from "../../parts/queried.tsx";
import { Empty } from "../../parts/states.tsx";
import { Moment } from "../../parts/time.tsx";
import { complain } from "../../parts/toasts.tsx";
import { Window } from "../../parts/window.tsx";
import { dollars, short } from "../../parts/words.ts";
import { client } from "../../server.ts";

const KEYS_SHOWN = 200;
const keysQuery = queryOptions({
  queryKey: ["keys"],
  queryFn: async ({ signal }) => {
    const all = (await client.keys(signal)).slice(0, KEYS_SHOWN);
    // What is left of budgets is told of one key at a time.
    return Promise.all(all.map(async (key) => ((key.limits.budgets ?? []).length > 0 ? client.key(key.id, signal) : key)));
  },
});

/** Keys of programs, and what is left of their budgets. */
export function Budgets(): ReactNode {
  const keys = useQuery(keysQuery);
  const [isMaking, setMaking] = useState(false);
  return (
    <Panel title="Keys" actions={<Button onClick={() => setMaking(true)}>New key …</Button>}>
      <Queried query={keys}>
        {(all) =>
          all.length === 0 ? (
            <Empty icon={KeyRound} title="No key has been made">
              A key lets a program use models through Tutti, with its own budget, and nothing else.
            </Empty>
          ) : (
            <ul className="-my-3 flex flex-col">
              {all.map((key) => (
                <KeyLine key={key.id} entry={key} />
              ))}
            </ul>
          )
        }
      </Queried>
      {isMaking && <Making onClose={() => setMaking(false)} />}
    </Panel>
  );
}

function KeyLine({
  entry: { id, name, status, createdAt, expiresAt, models, team, user, budgets = [] },
}: {
  readonly entry: KeyEntry;
}): ReactNode {
  const queries = useQueryClient();
  const [isRevoking, setRevoking] = useState(false);
  return (
    <li className="flex flex-col gap-2 border-b border-line/60 py-3 last:border-0">
      <div className="flex flex-wrap items-center gap-2 text-[13px]">
        <span className="font-medium" dir="auto">
          {name}
        </span>
        <Badge accent={status === "active" ? "green" : "grey"}>{status}</Badge>
        {user !== undefined && (
          <Badge>
            user <bdi>{user}</bdi>
          </Badge>
        )}
        {team !== undefined && (
          <Badge>
            team <bdi>{team}</bdi>
          </Badge>
        )}
        <span className="text-xs text-ink-3">
          made <Moment at={createdAt} />
          {expiresAt !== undefined && (
            <>
              , ends <Moment at={expiresAt} />
            </>
          )}
          {models !== undefined && ` · ${models.join(", ")}`}
        </span>
        <span className="grow" />
        {status === "active" && (
          <Button tone="quiet" onClick={() => setRevoking(true)}>
            Revoke …
          </Button>
        )}
      </div>
      {budgets.map((budget) => (
        <BudgetBar key={`${budget.of} ${budget.per}`} budget={budget} />
      ))}
      <Confirm
        title={`Revoke ${name}?`}
        about="Programs that use it are refused at once. It cannot be taken back."
        verb="Revoke"
        done={`${name} opens nothing any more`}
        isDangerous
        isOpen={isRevoking}
        onClose={() => setRevoking(false)}
        act={() => client.revokeKey(id).finally(() => queries.invalidateQueries(keysQuery))}
      />
    </li>
  );
}

function BudgetBar({ budget: { of, per, usd, tokens, endsAt } }: { readonly budget: BudgetLeft }): ReactNode {
  const [spent, limit, text] = usd === undefined ? [tokens?.spent ?? 0, tokens?.limit ?? 0, short] : [usd.spent, usd.limit, dollars];
  const share = limit <= 0 ? 0 : spent / limit;
  return (
    <div className="flex items-center gap-3 text-xs text-ink-2">
      <span className="w-44 break-words" dir="auto">
        {of} per {per}
      </span>
      <meter
        min={0}
        max={1}
        high={0.8}
        optimum={0}
        value={Math.min(1, share)}
        aria-label={`Budget of the ${of} per ${per}`}
        className="w-40"
      />
      <span className="tabular-nums">
        {text(spent)} of {text(limit)}
      </span>
      {endsAt !== undefined && (
        <span className="text-ink-3">
          anew <Moment at={endsAt} />
        </span>
      )}
    </div>
  );
}

const PERIODS = ["day", "week", "month", "total"] as const;

function Making({ onClose }: { readonly onClose: () => void }): ReactNode {
  const [form, setForm] = useState({ name: "", amountUsd: "", per: "month" });
  const queries = useQueryClient();
  const making = useMutation({
    mutationFn: () => client.createKey(requestOf(form)),
    onSuccess: () => queries.invalidateQueries(keysQuery),
    onError: complain,
  });
  const set = (key: keyof typeof form, value: string): void => setForm({ ...form, [key]: value });
  if (making.data !== undefined)
    return (
      <Window title="The new key" about="Its secret is shown this once." isOpen onClose={onClose}>
        <p className="flex items-center gap-2 rounded-md border border-line bg-ground p-2 font-mono text-xs break-all">
          {making.data.secret}
          <CopyButton text={making.data.secret} label="Copy the key" />
        </p>
      </Window>
    );
  return (
    <Window title="New key" isOpen onClose={onClose}>
      <form
        className="flex flex-col gap-3"
        onSubmit={(event) => {
          event.preventDefault();
          making.mutate();
        }}
      >
        <TextField label="Name" value={form.name} required autoFocus maxLength={200} onChange={({ target }) => set("name", target.value)} />
        <div className="grid grid-cols-2 gap-3">
          <TextField
            label="Budget in US dollars"
            type="number"
            min={0}
            step="any"
            value={form.amountUsd}
            help="Empty: not limited"
            onChange={({ target }) => set("amountUsd", target.value)}
          />
          <Choice
            label="Per"
            value={form.per}
            options={PERIODS.map((value) => ({ value, label: value }))}
            onChange={({ target }) => set("per", target.value)}
          />
        </div>
        <Button type="submit" tone="primary" isBusy={making.isPending} disabled={form.name.trim() === ""}>
          Make the key
        </Button>
      </form>
    </Window>
  );
}

function requestOf({ name, amountUsd, per }: { readonly name: string; readonly amountUsd: string; readonly per: string }): KeyRequest {
  const period = PERIODS.find((one) => one === per) ?? "month";
  return { name: name.trim(), ...(amountUsd !== "" && { limits: { budgets: [{ amountUsd: Number(amountUsd), per: period }] } }) };
}

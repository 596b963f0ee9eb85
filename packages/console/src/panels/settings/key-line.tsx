import { useQueryClient } from "@tanstack/react-query";
import type { BudgetLeft, KeyEntry, Limits } from "@tutti/client";
import { Trash2 } from "lucide-react";
import { useState, type ReactNode } from "react";
import { useAction } from "../../action.ts";
import { Badge } from "../../parts/badge.tsx";
import { Button, IconButton } from "../../parts/button.tsx";
import { Confirm } from "../../parts/confirm.tsx";
import { Moment } from "../../parts/time.tsx";
import { complain, say } from "../../parts/toasts.tsx";
import { count, dollars, short } from "../../parts/words.ts";
import { useDoing } from "../../named-here.ts";
import { client } from "../../server.ts";
import { KeyForm } from "./key-form.tsx";
import { SecretWindow } from "./secret-window.tsx";

/** Programs that still use the old secret have a day to learn the new one. */
const GRACE_MS = 86_400_000;

/** One key: what it may, what it used, and what can be done about it. */
export function KeyLine({ entry }: { readonly entry: KeyEntry }): ReactNode {
  const { name, status, createdAt, expiresAt, models, team, user, limits, budgets = [] } = entry;
  const remove = useBudgetRemoval(entry);
  return (
    <li aria-label={name} className="flex flex-col gap-2 border-b border-line/60 py-3 last:border-0">
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
        </span>
        <span className="grow" />
        {status === "active" && <KeyActs entry={entry} />}
      </div>
      <p className="text-xs text-ink-2" dir="auto">
        {[models === undefined ? "all models" : models.join(", "), ...limitWords(limits)].join(" · ")}
      </p>
      {budgets.map((budget) => (
        <BudgetBar
          key={`${budget.of} ${budget.per} ${budget.usd === undefined ? "tokens" : "usd"}`}
          budget={budget}
          onRemove={budget.of.startsWith("key:") && status === "active" ? () => remove(budget) : undefined}
        />
      ))}
    </li>
  );
}

function limitWords({ requestsPerMinute, tokensPerMinute, parallel }: Limits): readonly string[] {
  return [
    requestsPerMinute !== undefined && `${count(requestsPerMinute)} requests a minute`,
    tokensPerMinute !== undefined && `${short(tokensPerMinute)} tokens a minute`,
    parallel !== undefined && `${count(parallel)} at a time`,
  ].filter((words) => words !== false);
}

/** Takes a budget away; it can be put back. */
function useBudgetRemoval({ id, name, limits }: KeyEntry): (budget: BudgetLeft) => void {
  const queries = useQueryClient();
  const refresh = (): Promise<void> => queries.invalidateQueries({ queryKey: ["keys"] });
  const put = (next: Limits): Promise<unknown> => client.updateKey(id, { limits: next }).finally(refresh);
  const removing = useAction({
    mutationFn: ({ per, usd, tokens }: BudgetLeft) => {
      const others = (limits.budgets ?? []).filter(
        (one) => !(one.per === per && one.amountUsd === usd?.limit && one.tokens === tokens?.limit),
      );
      const { budgets: _, ...rest } = limits;
      return put(others.length > 0 ? { ...rest, budgets: others } : rest);
    },
    onSuccess: (_, { per }) => say(`The budget of ${name} per ${per} is gone`, { undo: () => void put(limits).catch(complain) }),
    onError: complain,
  });
  return removing.mutate;
}

function KeyActs({ entry: { id, name }, entry }: { readonly entry: KeyEntry }): ReactNode {
  const queries = useQueryClient();
  const refresh = (): Promise<void> => queries.invalidateQueries({ queryKey: ["keys"] });
  const [open, setOpen] = useDoing("key", id);
  const [secret, setSecret] = useState<string>();
  const close = (): void => setOpen(undefined);
  return (
    <>
      <Button onClick={() => setOpen("change")}>Change …</Button>
      <Button onClick={() => setOpen("rotate")}>New secret …</Button>
      <Button tone="quiet" onClick={() => setOpen("revoke")}>
        Revoke …
      </Button>
      {open === "change" && <KeyForm entry={entry} onClose={close} />}
      <Confirm
        title={`Make a new secret for ${name}?`}
        about="The old one stays good for a day, so that programs can be told."
        verb="Make a new secret"
        done={`${name} has a new secret`}
        isOpen={open === "rotate"}
        onClose={close}
        act={async () => {
          setSecret((await client.rotateKey(id, GRACE_MS)).secret);
          await refresh();
        }}
      />
      <Confirm
        title={`Revoke ${name}?`}
        about="Programs that use it are refused at once. It cannot be taken back."
        verb="Revoke"
        done={`${name} opens nothing any more`}
        isDangerous
        isOpen={open === "revoke"}
        onClose={close}
        act={() => client.revokeKey(id).finally(refresh)}
      />
      {secret !== undefined && (
        <SecretWindow
          title={`The new secret of ${name}`}
          about="It is shown this once."
          secret={secret}
          label="Copy the key"
          onClose={() => setSecret(undefined)}
        />
      )}
    </>
  );
}

interface BarProps {
  readonly budget: BudgetLeft;
  readonly onRemove: (() => void) | undefined;
}

function BudgetBar({ budget: { of, per, usd, tokens, endsAt }, onRemove }: BarProps): ReactNode {
  const [spent, limit, text] = usd === undefined ? [tokens?.spent ?? 0, tokens?.limit ?? 0, short] : [usd.spent, usd.limit, dollars];
  const share = limit <= 0 ? 0 : spent / limit;
  const [kind = ""] = of.split(":");
  const whose = kind === "key" ? "its own" : `the ${kind}'s`;
  return (
    <div className="flex flex-wrap items-center gap-x-3 gap-y-1 text-xs text-ink-2">
      <span className="w-32 break-words">
        {whose}, per {per}
      </span>
      <meter
        min={0}
        max={1}
        high={0.8}
        optimum={0}
        value={Math.min(1, share)}
        aria-label={`Budget: ${whose}, per ${per}`}
        className="w-40"
      />
      <span className="tabular-nums">
        {text(spent)} of {text(limit)}
        {share >= 1 && <b className="ms-2 text-red">spent</b>}
      </span>
      {endsAt !== undefined && (
        <span className="text-ink-3">
          anew <Moment at={endsAt} />
        </span>
      )}
      {onRemove !== undefined && (
        <IconButton label={`Remove the budget per ${per}`} onClick={onRemove}>
          <Trash2 aria-hidden className="size-3.5" />
        </IconButton>
      )}
    </div>
  );
}

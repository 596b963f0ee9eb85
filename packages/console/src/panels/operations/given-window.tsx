import { useQuery, useQueryClient } from "@tanstack/react-query";
import type { GrantEntry } from "@tutti/client";
import { useState, type ReactNode } from "react";
import { useAction } from "../../action.ts";
import { Button } from "../../parts/button.tsx";
import { Confirm } from "../../parts/confirm.tsx";
import { Facts } from "../../parts/facts.tsx";
import { Queried } from "../../parts/queried.tsx";
import { RunLink } from "../../parts/run-link.tsx";
import { Moment } from "../../parts/time.tsx";
import { complain, say } from "../../parts/toasts.tsx";
import { Window } from "../../parts/window.tsx";
import { clockTime, count } from "../../parts/words.ts";
import { client } from "../../server.ts";
import { grantQuery } from "./grant-queries.ts";
import { whereWords } from "./grant-terms.ts";

interface GivenWindowProps {
  readonly id: string;
  readonly onClose: () => void;
}

/** One approval that was given before: its terms, each of its uses, and what can be done about it. */
export function GivenWindow({ id, onClose }: GivenWindowProps): ReactNode {
  const given = useQuery(grantQuery(id));
  const queries = useQueryClient();
  const [isRevoking, setRevoking] = useState(false);
  const readAgain = (): Promise<void> => queries.invalidateQueries({ queryKey: ["grants"] });
  const seconding = useAction({
    mutationFn: () => client.secondGrant(id, ""),
    onSuccess: async () => {
      await readAgain();
      say("You have approved it, too");
    },
    onError: complain,
  });
  const isOpen = given.data?.status === "open";
  return (
    <>
      <Window
        title={given.data === undefined ? "Approval given before" : `${given.data.tool}: ${given.data.status}`}
        isOpen
        onClose={onClose}
        isWide
        foot={
          isOpen && (
            <>
              <Button isBusy={seconding.isPending} onClick={() => seconding.mutate()}>
                Approve it, too
              </Button>
              <Button tone="danger" onClick={() => setRevoking(true)}>
                Revoke …
              </Button>
            </>
          )
        }
      >
        <Queried query={given}>{(grant) => <Given grant={grant} />}</Queried>
      </Window>
      <Confirm
        title="Revoke this approval?"
        about="No call can use it from then on. Calls that have used it are not undone. It cannot be taken back; a new one can be given."
        verb="Revoke"
        done="The approval is revoked"
        isDangerous
        reason="asked"
        isOpen={isRevoking}
        onClose={() => setRevoking(false)}
        act={async (reason) => {
          await client.revokeGrant(id, reason);
          await readAgain();
        }}
      />
    </>
  );
}

function Given({ grant }: { readonly grant: GrantEntry }): ReactNode {
  const { amount, amountLeft, revoked, uses } = grant;
  return (
    <div className="flex flex-col gap-4">
      <Facts
        facts={{
          Calls: whereWords(grant),
          For: grant.agent === undefined ? (grant.principal ?? "anybody") : `the agent ${grant.agent}`,
          Uses: `${count(grant.used)} of ${count(grant.usesMax)}`,
          Amount: amount === undefined ? undefined : `${amountLeft ?? amount.max} of ${amount.max} left, by ${amount.path}`,
          "Given by": grant.by.join(", "),
          Reason: grant.reason === "" ? undefined : grant.reason,
          Given: clockTime(grant.givenAt),
          Expires: clockTime(grant.expiresAt),
          Revoked: revoked === undefined ? undefined : `by ${revoked.by}, ${clockTime(revoked.at)}: ${revoked.reason}`,
          Log: <RunLink id={grant.approvalId} />,
        }}
      />
      <section aria-label="Uses">
        <h3 className="pb-1 text-xs font-semibold text-ink-2">Uses</h3>
        {uses.length === 0 ? (
          <p className="text-[13px] text-ink-2">No call has used it yet.</p>
        ) : (
          <ul className="flex flex-col">
            {uses.map(({ at, runId, key, principal, amount: used }) => (
              <li key={`${runId}/${key}`} className="flex flex-wrap gap-3 border-b border-line/60 py-1.5 text-[13px]">
                <Moment at={at} />
                <RunLink id={runId} />
                <span dir="auto">{principal}</span>
                {used !== undefined && <span className="tabular-nums">{used}</span>}
              </li>
            ))}
          </ul>
        )}
      </section>
    </div>
  );
}

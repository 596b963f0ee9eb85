import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import type { GrantEntry } from "@tutti/client";
import { useState, type ReactNode } from "react";
import { Badge } from "../../parts/badge.tsx";
import { Toggle } from "../../parts/fields.tsx";
import { Queried } from "../../parts/queried.tsx";
import { Rows, type Column } from "../../parts/rows.tsx";
import { Moment } from "../../parts/time.tsx";
import type { Accent } from "../../parts/tones.ts";
import { count } from "../../parts/words.ts";
import { grantsQuery, type GivenKind } from "./grant-queries.ts";
import { GivenWindow } from "./given-window.tsx";
import { whereWords } from "./grant-terms.ts";

const ACCENTS: Readonly<Record<GrantEntry["status"], Accent>> = { open: "green", "used up": "grey", expired: "grey", revoked: "red" };

interface GivenListProps {
  readonly kind: GivenKind;
  readonly label: string;
  readonly empty: ReactNode;
  readonly actions: ReactNode;
}

/** Approvals that were given before they were needed, and what became of each. */
export function GivenList({ kind, label, empty, actions }: GivenListProps): ReactNode {
  const [isWhole, setWhole] = useState(kind === "approval");
  const search = useSearch({ from: "/approvals" });
  const navigate = useNavigate();
  const given = useQuery(grantsQuery(kind, isWhole));
  const open = (id: string | undefined): void => void navigate({ to: "/approvals", search: { ...search, grant: id } });
  return (
    <div className="flex flex-col gap-3">
      <div className="flex flex-wrap items-center gap-3">
        <Toggle label="Also what can be used no more" isOn={isWhole} onChange={setWhole} />
        <span className="grow" />
        {actions}
      </div>
      <Queried query={given}>
        {(rows) => (
          <div className="flex h-[calc(100dvh-18rem)] min-h-72 flex-col">
            <Rows
              label={label}
              rows={rows}
              columns={COLUMNS}
              idOf={({ approvalId }) => approvalId}
              onOpen={({ approvalId }) => open(approvalId)}
              empty={empty}
            />
          </div>
        )}
      </Queried>
      {search["grant"] !== undefined && <GivenWindow id={search["grant"]} onClose={() => open(undefined)} />}
    </div>
  );
}

const COLUMNS: readonly Column<GrantEntry>[] = [
  { id: "status", title: "Status", width: "6rem", cell: ({ status }) => <Badge accent={ACCENTS[status]}>{status}</Badge> },
  { id: "tool", title: "Tool", width: "minmax(8rem, 1fr)", cell: ({ tool }) => <span title={tool}>{tool}</span> },
  { id: "where", title: "Which calls", width: "minmax(14rem, 2fr)", cell: (grant) => whereWords(grant) },
  { id: "for", title: "For", width: "minmax(7rem, 1fr)", cell: ({ agent, principal }) => agent ?? principal ?? "anybody" },
  { id: "uses", title: "Uses", width: "6rem", isNumber: true, cell: ({ used, usesMax }) => `${count(used)} of ${count(usesMax)}` },
  {
    id: "amount",
    title: "Amount left",
    width: "7rem",
    isNumber: true,
    cell: ({ amount, amountLeft }) => (amount === undefined ? "" : `${amountLeft ?? amount.max} of ${amount.max}`),
  },
  { id: "by", title: "Given by", width: "minmax(7rem, 1fr)", cell: ({ by }) => by.join(", ") },
  { id: "expires", title: "Expires", width: "7rem", cell: ({ expiresAt }) => <Moment at={expiresAt} /> },
];

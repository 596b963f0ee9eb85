import { useQuery } from "@tanstack/react-query";
import type { Receipt } from "@tutti/client";
import type { ChainVerdict, Event } from "@tutti/core";
import { Download, LoaderCircle, ShieldCheck, ShieldX } from "lucide-react";
import { useEffect, useMemo, useRef, type ReactNode } from "react";
import { Badge } from "../../../parts/badge.tsx";
import { Button } from "../../../parts/button.tsx";
import { CopyButton } from "../../../parts/copy.tsx";
import { Facts } from "../../../parts/facts.tsx";
import { Queried } from "../../../parts/queried.tsx";
import { Rows, type Column, type RowsHandle } from "../../../parts/rows.tsx";
import { Failure } from "../../../parts/states.tsx";
import { count, several } from "../../../parts/words.ts";
import { download } from "../../../parts/download.ts";
import { useActions } from "../../../shell/actions.ts";
import { receiptQuery } from "../queries.ts";
import type { RunFacts } from "../run-facts.ts";
import { verifyHere } from "./verify.ts";

/** The run's receipt: every event with its hash, and the chain of hashes checked in this browser. */
export function ReceiptTab({ facts, events }: { readonly facts: RunFacts; readonly events: number }): ReactNode {
  // Of a run under way the receipt is as of when it was asked for; it says so.
  const query = useQuery({ ...receiptQuery(facts.runId, facts.hasEnded ? events : 0) });
  return (
    <Queried query={query}>
      {(receipt) => <ShownReceipt receipt={receipt} isOpen={!facts.hasEnded} onRefresh={() => void query.refetch()} />}
    </Queried>
  );
}

interface ShownReceiptProps {
  readonly receipt: Receipt;
  readonly isOpen: boolean;
  readonly onRefresh: () => void;
}

function ShownReceipt({ receipt, isOpen, onRefresh }: ShownReceiptProps): ReactNode {
  const events = receipt.events as unknown as readonly Event[];
  const runId = receipt.run.id;
  const check = useQuery({
    queryKey: ["run", runId, "verify", receipt.head, events.length],
    queryFn: ({ signal }) => verifyHere({ events, head: receipt.head }, signal),
    staleTime: 0,
    gcTime: 0,
    retry: false,
  });
  const verdict = check.data;
  const brokenAt = verdict?.valid === false ? verdict.atSeq : undefined;
  const actions = useMemo(
    () => [
      {
        id: "receipt download",
        title: "Download the receipt",
        group: "Run",
        keys: "r d",
        run: () => download(`receipt-${runId}.json`, JSON.stringify(receipt, null, 2)),
      },
    ],
    [receipt, runId],
  );
  useActions(actions);
  const columns = useMemo(() => columnsOf(brokenAt, verdict !== undefined), [brokenAt, verdict]);
  const handle = useRef<RowsHandle>(null);
  useEffect(() => {
    if (brokenAt !== undefined) handle.current?.show(String(brokenAt));
  }, [brokenAt]);
  return (
    <div className="flex h-full min-h-[28rem] flex-col gap-3">
      <div className="panel flex flex-col gap-3 p-4">
        <div className="flex flex-wrap items-start gap-3">
          <div className="min-w-0 grow">
            {check.error === null ? (
              <Verdict verdict={verdict} events={events.length} />
            ) : (
              <Failure error={check.error} onRetry={() => check.refetch()} />
            )}
          </div>
          {isOpen && <Button onClick={onRefresh}>Read it again</Button>}
          <Button onClick={() => actions[0]?.run()}>
            <Download aria-hidden className="size-3.5" />
            Download as JSON
          </Button>
        </div>
        <Proofs receipt={receipt} />
      </div>
      <Rows label="Events and their hashes" rows={events} columns={columns} idOf={idOf} handle={handle} />
    </div>
  );
}

function Proofs({ receipt }: { readonly receipt: Receipt }): ReactNode {
  const { verdict } = receipt;
  const command = `tutti receipt ${receipt.run.id} --full`;
  return (
    <Facts
      facts={{
        "Newest hash": <code className="font-mono text-xs break-all">{receipt.head}</code>,
        "The server says": verdict.valid ? "the chain holds" : `broken at event ${verdict.atSeq}: ${verdict.reason}`,
        How: <span className="text-xs text-ink-2">{receipt.algorithm}</span>,
        "On the command line": (
          <span className="inline-flex items-center gap-1">
            <code className="font-mono text-xs break-all">{command}</code>
            <CopyButton text={command} label="Copy the command" />
          </span>
        ),
      }}
    />
  );
}

function Verdict({ verdict, events }: { readonly verdict: ChainVerdict | undefined; readonly events: number }): ReactNode {
  if (verdict === undefined)
    return (
      <p role="status" className="flex items-center gap-2 text-sm">
        <LoaderCircle aria-hidden className="size-4 animate-spin text-blue" />
        Checking {count(events)} hashes in this browser
      </p>
    );
  if (verdict.valid)
    return (
      <p role="status" className="flex items-center gap-2 text-sm font-medium text-green">
        <ShieldCheck aria-hidden className="size-5 shrink-0" />
        The chain holds: {several(verdict.events, "event")} as journaled, checked in this browser.
      </p>
    );
  return (
    <p role="alert" className="flex items-center gap-2 text-sm font-medium text-red">
      <ShieldX aria-hidden className="size-5 shrink-0" />
      The chain is broken at event {verdict.atSeq}: {verdict.reason}. Nothing from there on is proven.
    </p>
  );
}

const idOf = ({ seq }: Event): string => String(seq);

function columnsOf(brokenAt: number | undefined, isChecked: boolean): readonly Column<Event>[] {
  return [
    { id: "seq", title: "#", width: "4rem", isNumber: true, cell: ({ seq }) => seq },
    { id: "proof", title: "Proof", width: "7rem", cell: ({ seq }) => <Proof {...{ seq, brokenAt, isChecked }} /> },
    { id: "type", title: "Event", width: "11rem", cell: ({ type }) => type },
    {
      id: "hash",
      title: "Hash",
      width: "minmax(34rem,1fr)",
      cell: ({ hash }) => <code className="font-mono text-xs text-ink-2">{hash}</code>,
    },
  ];
}

function Proof({
  seq,
  brokenAt,
  isChecked,
}: {
  readonly seq: number;
  readonly brokenAt: number | undefined;
  readonly isChecked: boolean;
}): ReactNode {
  if (!isChecked) return <Badge>unchecked</Badge>;
  if (brokenAt === undefined || seq < brokenAt) return <Badge accent="green">holds</Badge>;
  return seq === brokenAt ? <Badge accent="red">broken here</Badge> : <Badge accent="orange">not proven</Badge>;
}

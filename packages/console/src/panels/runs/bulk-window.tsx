import type { BulkResult } from "@tutti/client";
import { CheckCircle2, XCircle } from "lucide-react";
import { useMemo, useState, type ReactNode } from "react";
import { useAction } from "../../action.ts";
import { Button } from "../../parts/button.tsx";
import { TextField } from "../../parts/fields.tsx";
import { Rows, type Column } from "../../parts/rows.tsx";
import { RunLink } from "../../parts/run-link.tsx";
import { Failure } from "../../parts/states.tsx";
import { GoBack, Window } from "../../parts/window.tsx";
import { count } from "../../parts/words.ts";
import { client } from "../../server.ts";
import { wordsOf, type BulkAction, type BulkPlan } from "./bulk.ts";

/** What happens to the runs, in words. */
const ABOUT: Readonly<Record<BulkAction, { readonly verb: string; readonly about: string }>> = {
  cancel: {
    verb: "Cancel",
    about: "Runs that have not ended are cancelled, with their children; their undo steps run. It cannot be taken back.",
  },
  retry: {
    verb: "Retry",
    about: "For each run that failed a new one is started before the step that failed. The old ones stay as they are.",
  },
  resume: { verb: "Resume", about: "Runs that are paused go on. One whose workflow still does not fit its log pauses again." },
};

interface BulkProps {
  readonly plan: BulkPlan;
  readonly onClose: () => void;
  readonly onDone: () => void;
}

/** Asks before many runs are steered at once, and then says what came of it for each. */
export function BulkWindow({ plan, onClose, onDone }: BulkProps): ReactNode {
  const { action, which } = plan;
  const words = wordsOf(plan);
  const [reason, setReason] = useState("");
  const { verb, about } = ABOUT[action];
  const acting = useAction({
    mutationFn: () => client.bulkRuns({ action, ...which, ...(reason.trim() !== "" && { reason: reason.trim() }) }),
    onSuccess: onDone,
  });
  const results = acting.data?.results;
  return (
    <Window
      title={results === undefined ? `${verb} ${words}?` : `${verb}: what came of it`}
      about={results === undefined ? about : summaryOf(results)}
      isOpen
      onClose={onClose}
      isWide={results !== undefined}
      foot={
        results === undefined ? (
          <>
            <GoBack onClick={onClose} />
            <Button tone={action === "cancel" ? "danger" : "primary"} isBusy={acting.isPending} onClick={() => acting.mutate()}>
              {`${verb} ${words}`}
            </Button>
          </>
        ) : (
          <Button tone="primary" onClick={onClose}>
            Close
          </Button>
        )
      }
    >
      <div className="flex flex-col gap-3">
        {acting.error !== null && <Failure error={acting.error} />}
        {results === undefined ? (
          <form
            onSubmit={(event) => {
              event.preventDefault();
              acting.mutate();
            }}
          >
            <TextField
              label="Reason (may be left empty)"
              help="It stands in the log of each run."
              value={reason}
              maxLength={2000}
              onChange={({ target }) => setReason(target.value)}
            />
          </form>
        ) : (
          <Results results={results} />
        )}
      </div>
    </Window>
  );
}

function summaryOf(results: readonly BulkResult[]): string {
  const done = results.filter(({ ok }) => ok).length;
  if (results.length === 0) return "No run fits any more; nothing was done.";
  return done === results.length ? `Done for all ${count(done)}.` : `Done for ${count(done)}, not for ${count(results.length - done)}.`;
}

/** The ones that did not work first: they are what somebody has to look at. */
function Results({ results }: { readonly results: readonly BulkResult[] }): ReactNode {
  const sorted = useMemo(() => results.toSorted((one, other) => Number(one.ok) - Number(other.ok)), [results]);
  return (
    <div className="flex h-96 flex-col">
      <Rows label="What came of it" rows={sorted} columns={COLUMNS} idOf={({ id }) => id} />
    </div>
  );
}

const COLUMNS: readonly Column<BulkResult>[] = [
  {
    id: "ok",
    title: "Result",
    width: "10rem",
    cell: (result) =>
      result.ok ? (
        <span className="inline-flex items-center gap-1.5 text-green">
          <CheckCircle2 aria-hidden className="size-3.5" />
          done
        </span>
      ) : (
        <span className="inline-flex items-center gap-1.5 text-red">
          <XCircle aria-hidden className="size-3.5" />
          {result.code}
        </span>
      ),
  },
  { id: "run", title: "Run", width: "10rem", cell: ({ id }) => <RunLink id={id} /> },
  {
    id: "about",
    title: "About it",
    width: "minmax(18rem, 1fr)",
    cell: (result) => {
      if (!result.ok) return <span title={result.message}>{result.message}</span>;
      return result.newRunId === undefined ? null : (
        <span>
          goes on as <RunLink id={result.newRunId} />
        </span>
      );
    },
  },
];

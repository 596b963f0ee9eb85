import { infiniteQueryOptions, useInfiniteQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import type { DeadLetterEntry } from "@tutti/client";
import { MailCheck } from "lucide-react";
import { useCallback, useMemo, type ReactNode } from "react";
import { Badge } from "../../parts/badge.tsx";
import { Button } from "../../parts/button.tsx";
import { Page } from "../../parts/page.tsx";
import { Rows, type Column } from "../../parts/rows.tsx";
import { RunLink } from "../../parts/run-link.tsx";
import { Empty, Failure, Loading } from "../../parts/states.tsx";
import { Moment } from "../../parts/time.tsx";
import type { Accent } from "../../parts/tones.ts";
import { count } from "../../parts/words.ts";
import { client } from "../../server.ts";
import { useActions, type ShellAction } from "../../shell/actions.ts";
import { DeadLetterWindow } from "./dead-letter-window.tsx";

const PAGE = 100;
const EVERY_MS = 10_000;
/** Pages that are kept, and read again together. */
const PAGES_MAX = 20;
const ACCENTS: Readonly<Record<DeadLetterEntry["status"], Accent>> = {
  waiting: "red",
  retrying: "blue",
  retried: "green",
  dismissed: "grey",
};

const lettersQuery = (ended: boolean) =>
  infiniteQueryOptions({
    queryKey: ["dead letters", ended],
    queryFn: ({ pageParam, signal }) => client.deadLetters({ ended, limit: PAGE, ...(pageParam !== "" && { before: pageParam }) }, signal),
    initialPageParam: "",
    getNextPageParam: (page: readonly DeadLetterEntry[]) => (page.length < PAGE ? undefined : page.at(-1)?.id),
    maxPages: PAGES_MAX,
    refetchInterval: EVERY_MS,
  });

const idOf = ({ id }: DeadLetterEntry): string => id;

/** Work that failed for good and waits for somebody: look, retry, or dismiss. */
export function DeadLettersPage(): ReactNode {
  const { ended, letter } = useSearch({ from: "/dead-letters" });
  const isEnded = ended === "true";
  const navigate = useNavigate();
  const letters = useInfiniteQuery(lettersQuery(isEnded));
  const rows = useMemo(() => letters.data?.pages.flat() ?? [], [letters.data]);
  const open = useCallback(
    (id: string | undefined) => void navigate({ to: "/dead-letters", search: { ended: isEnded ? "true" : undefined, letter: id } }),
    [navigate, isEnded],
  );
  const openRow = useCallback(({ id }: DeadLetterEntry) => open(id), [open]);
  const actions = useMemo(
    (): readonly ShellAction[] => [
      { id: "letters waiting", title: "Dead letters that wait", group: "Dead letters", run: () => navigate({ to: "/dead-letters" }) },
      {
        id: "letters ended",
        title: "Dead letters that were retried or dismissed",
        group: "Dead letters",
        run: () => navigate({ to: "/dead-letters", search: { ended: "true" } }),
      },
    ],
    [navigate],
  );
  useActions(actions);
  return (
    <Page
      title="Dead letters"
      about="Work that failed for good. Retry it from the step that failed or from its start, or dismiss it."
      isFull
      actions={
        <div role="group" aria-label="Which" className="flex gap-1.5">
          <Button tone={isEnded ? "plain" : "chosen"} aria-pressed={!isEnded} onClick={() => void navigate({ to: "/dead-letters" })}>
            Waiting
          </Button>
          <Button
            tone={isEnded ? "chosen" : "plain"}
            aria-pressed={isEnded}
            onClick={() => void navigate({ to: "/dead-letters", search: { ended: "true" } })}
          >
            Done with
          </Button>
        </div>
      }
    >
      {letters.error !== null && (letters.data === undefined || letters.isFetchNextPageError) && (
        <Failure error={letters.error} onRetry={() => letters.refetch()} />
      )}
      {letters.isPending ? (
        <Loading lines={8} />
      ) : (
        <Rows
          label="Dead letters"
          rows={rows}
          columns={COLUMNS}
          idOf={idOf}
          onOpen={openRow}
          onEnd={() => letters.hasNextPage && !letters.isFetching && void letters.fetchNextPage()}
          empty={<None isEnded={isEnded} />}
        />
      )}
      {letter !== undefined && <DeadLetterWindow key={letter} id={letter} onClose={() => open(undefined)} />}
    </Page>
  );
}

function None({ isEnded }: { readonly isEnded: boolean }): ReactNode {
  return isEnded ? (
    <Empty icon={MailCheck} title="None was retried or dismissed yet">
      What you do about dead letters stands here afterwards.
    </Empty>
  ) : (
    <Empty icon={MailCheck} title="No dead letter waits">
      Work of schedules, subscriptions and supervisors that fails for good comes here, with its error and its input.
    </Empty>
  );
}

const COLUMNS: readonly Column<DeadLetterEntry>[] = [
  { id: "status", title: "Status", width: "6.5rem", cell: ({ status }) => <Badge accent={ACCENTS[status]}>{status}</Badge> },
  { id: "since", title: "Since", width: "8rem", cell: ({ since }) => <Moment at={since} /> },
  { id: "source", title: "From", width: "minmax(10rem, 1fr)", cell: ({ source }) => <span title={source}>{source}</span> },
  { id: "workflow", title: "Workflow", width: "minmax(9rem, 1fr)", cell: ({ workflow = "" }) => <span title={workflow}>{workflow}</span> },
  {
    id: "error",
    title: "Error",
    width: "minmax(16rem, 2.5fr)",
    cell: ({ error }) => (
      <span title={error.message}>
        <span className="text-red">{error.code}</span> {error.message}
      </span>
    ),
  },
  { id: "attempts", title: "Attempts", width: "5.5rem", isNumber: true, cell: ({ attempts }) => count(attempts) },
  { id: "run", title: "Run", width: "9rem", cell: ({ runId }) => (runId === undefined ? "" : <RunLink id={runId} />) },
];

import { useNavigate, useSearch } from "@tanstack/react-router";
import { Archive, Download } from "lucide-react";
import { useState, type ReactNode } from "react";
import { useAction } from "../../action.ts";
import { useLive } from "../../feed.ts";
import { useKeptState } from "../../kept-state.ts";
import { useNewestWork } from "../../newest-work.ts";
import { Button } from "../../parts/button.tsx";
import { CopyButton } from "../../parts/copy.tsx";
import { download } from "../../parts/download.ts";
import { TextField } from "../../parts/fields.tsx";
import { JsonView } from "../../parts/json-view.tsx";
import { Panel } from "../../parts/page.tsx";
import { RunLink } from "../../parts/run-link.tsx";
import { Empty, Failure, Loading } from "../../parts/states.tsx";
import { Moment } from "../../parts/time.tsx";
import { complain } from "../../parts/toasts.tsx";
import { bytes, count } from "../../parts/words.ts";
import { PART_LENGTH, useStoredValue, wholeValue } from "../../stored-values.ts";
import { largeValuesOf, type LargeValue } from "./large-values.ts";
import { readBack } from "./log-history.ts";
import type { LoggedEvent } from "./logged-event.ts";

const HASH = /^[0-9a-f]{64}$/;
/** Events with large values that one look back wants to find. */
const ENOUGH = 50;
/** Values that are kept in the page. */
const KEPT_MAX = 2_000;

/** Values that were too large for an event; the event holds their hash in their place ("$blob"). */
export function Values(): ReactNode {
  const { sha256 = "" } = useSearch({ from: "/data" });
  const navigate = useNavigate();
  const open = (hash: string): void => void navigate({ to: "/data", search: { tab: "values", sha256: hash } });
  return (
    <div className="flex flex-col gap-4">
      <ByHash key={sha256} shown={sha256} onOpen={open} />
      {HASH.test(sha256) && <Value key={sha256} sha256={sha256} />}
      <Listed shown={sha256} onOpen={open} />
    </div>
  );
}

interface OpenProps {
  readonly shown: string;
  readonly onOpen: (sha256: string) => void;
}

function ByHash({ shown, onOpen }: OpenProps): ReactNode {
  const [typed, setTyped] = useState(shown);
  const isHash = HASH.test(typed.trim());
  return (
    <form
      className="flex max-w-2xl items-end gap-2"
      onSubmit={(event) => {
        event.preventDefault();
        if (isHash) onOpen(typed.trim());
      }}
    >
      <div className="grow">
        <TextField
          label="SHA-256 of the value"
          help={'What stands beside "$blob" in an event: 64 hexadecimal digits'}
          value={typed}
          spellCheck={false}
          problem={typed.trim() === "" || isHash ? undefined : "wanted 64 hexadecimal digits"}
          onChange={({ target }) => setTyped(target.value)}
        />
      </div>
      <span className="pb-5">
        <Button type="submit" disabled={!isHash}>
          Open
        </Button>
      </span>
    </form>
  );
}

/** Large values of the log, newest first, and new ones as they come. */
function Listed({ shown, onOpen }: OpenProps): ReactNode {
  const { values, lookedFrom, isReading, error, readOlder } = useLargeValues();
  return (
    <Panel title="In the log">
      {error !== null && <Failure error={error} onRetry={readOlder} />}
      {values.length === 0 && error === null && (isReading || lookedFrom === undefined ? <Loading /> : <NoValues />)}
      {values.length > 0 && (
        <ul aria-label="Large values" className="-my-2 flex max-h-[28rem] flex-col overflow-y-auto" tabIndex={0}>
          {values.map((value) => (
            <ValueLine key={`${value.position} ${value.what}`} value={value} isShown={value.sha256 === shown} onOpen={onOpen} />
          ))}
        </ul>
      )}
      {lookedFrom !== undefined && lookedFrom > 1 && (
        <p className="flex items-center gap-3 pt-4 text-xs text-ink-2">
          From position {count(lookedFrom)} of the log on.
          <Button onClick={readOlder} isBusy={isReading}>
            Look further back
          </Button>
        </p>
      )}
    </Panel>
  );
}

function NoValues(): ReactNode {
  return (
    <Empty icon={Archive} title="No event of this log refers to a large value">
      Inputs and outputs of more than 64 KiB are kept apart from their events, and stand here with the run that they belong to.
    </Empty>
  );
}

interface LineProps {
  readonly value: LargeValue;
  readonly isShown: boolean;
  readonly onOpen: (sha256: string) => void;
}

function ValueLine({ value: { sha256, sizeBytes, at, runId, what }, isShown, onOpen }: LineProps): ReactNode {
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b border-line/60 py-2 text-[13px] last:border-0">
      <span className="min-w-0 grow">
        <span className="block truncate font-medium" dir="auto">
          {what}
        </span>
        <span className="text-xs text-ink-3">
          {bytes(sizeBytes)} · <Moment at={at} /> · <code className="font-mono">{sha256.slice(0, 12)}…</code>
        </span>
      </span>
      <RunLink id={runId} />
      <Button tone={isShown ? "chosen" : "plain"} aria-pressed={isShown} onClick={() => onOpen(sha256)}>
        Open
      </Button>
      <DownloadButton sha256={sha256} />
    </li>
  );
}

function DownloadButton({ sha256 }: { readonly sha256: string }): ReactNode {
  const saving = useAction({
    mutationFn: () => wholeValue({ $blob: sha256, sizeBytes: 0 }),
    onSuccess: (value) => download(`${sha256.slice(0, 12)}.json`, JSON.stringify(value, null, 2)),
    onError: complain,
  });
  return (
    <Button onClick={() => saving.mutate()} isBusy={saving.isPending}>
      <Download aria-hidden className="size-3.5" />
      Download
    </Button>
  );
}

/** What is known of the log's large values; `lookedFrom` is undefined until the log was asked. */
interface LargeValues {
  readonly values: readonly LargeValue[];
  readonly lookedFrom: number | undefined;
  readonly isReading: boolean;
  readonly error: unknown;
  readonly readOlder: () => void;
}

function useLargeValues(): LargeValues {
  const [values, setValues] = useKeptState<readonly LargeValue[]>("large values", []);
  const [lookedFrom, setLookedFrom] = useKeptState<number | undefined>("large values from", undefined);
  const add = (events: readonly LoggedEvent[], isNew: boolean): void => {
    const found = events.flatMap(largeValuesOf);
    if (found.length > 0) setValues((known) => (isNew ? [...found, ...known] : [...known, ...found]).slice(0, KEPT_MAX));
  };
  const { begin } = useNewestWork();
  const reading = useAction({
    mutationFn: (before: number) => readBack({ before, isWanted: (event) => largeValuesOf(event).length > 0, enough: ENOUGH }, begin()),
    onSuccess: ({ events, nextBefore }) => {
      add(events, false);
      setLookedFrom(() => nextBefore);
    },
  });
  useLive(
    { topic: "log" },
    {
      onStart: (_, position) => {
        setValues(() => []);
        setLookedFrom(() => position + 1);
        reading.mutate(position + 1);
      },
      onData: ({ events }) => add(events.toReversed(), true),
    },
  );
  return {
    values,
    lookedFrom,
    isReading: reading.isPending,
    error: reading.error,
    readOlder: () => lookedFrom !== undefined && reading.mutate(lookedFrom),
  };
}

function Value({ sha256 }: { readonly sha256: string }): ReactNode {
  const { reading: parts, text, whole } = useStoredValue(sha256);
  if (parts.error !== null && parts.data === undefined) return <Failure error={parts.error} onRetry={() => parts.refetch()} />;
  const [first] = parts.data?.pages ?? [];
  if (first === undefined) return <Loading />;
  return (
    <Panel
      title={`${sha256.slice(0, 12)}…, ${bytes(first.sizeBytes)}`}
      actions={
        <>
          <CopyButton text={sha256} label="Copy the hash" />
          <DownloadButton sha256={sha256} />
        </>
      }
    >
      {whole === undefined ? (
        <pre
          className="max-h-[60vh] overflow-auto font-mono text-xs break-words whitespace-pre-wrap"
          dir="auto"
          tabIndex={0}
          role="region"
          aria-label="The value"
        >
          {text}
        </pre>
      ) : (
        <div className="max-h-[60vh] overflow-auto" tabIndex={0} role="region" aria-label="The value">
          <JsonView value={whole.value} label="value" openTo={1} />
        </div>
      )}
      {parts.hasNextPage && (
        <div className="pt-3">
          <Button onClick={() => void parts.fetchNextPage()} isBusy={parts.isFetchingNextPage}>
            Read the next {bytes(PART_LENGTH)}
          </Button>
        </div>
      )}
    </Panel>
  );
}

import { Link } from "@tanstack/react-router";
import { SearchX } from "lucide-react";
import { Suspense, useMemo, useState, type ReactNode } from "react";
import { useQuery } from "@tanstack/react-query";
import { hasEnded, type RunReading } from "@tutti/core/insight";
import { latePart } from "../../late.tsx";
import { Page } from "../../parts/page.tsx";
import { Empty, Failure, Loading } from "../../parts/states.tsx";
import { Tabs } from "../../parts/tabs.tsx";
import { visible } from "../../parts/visible.ts";
import { count } from "../../parts/words.ts";
import { useActions, type ShellAction } from "../../shell/actions.ts";
import { RunActions } from "./actions/run-actions.tsx";
import { childrenQuery, EVENTS_MAX, recordQuery } from "./queries.ts";
import { factsOf, type RunFacts } from "./run-facts.ts";
import { RunHeader } from "./run-header.tsx";
import { TimelineTab } from "./timeline/timeline-tab.tsx";
import { useAddress, type Address } from "./use-address.ts";
import { useCalm } from "./use-calm.ts";
import { useReading } from "./use-reading.ts";
import { useRunLog, type RunLogState } from "./use-run-log.ts";

const LogTab = latePart(() => import("./log/log-tab.tsx"), "LogTab");
const GraphTab = latePart(() => import("./graph/graph-tab.tsx"), "GraphTab");
const ValuesTab = latePart(() => import("./values/values-tab.tsx"), "ValuesTab");
const ReceiptTab = latePart(() => import("./receipt/receipt-tab.tsx"), "ReceiptTab");
const CostTab = latePart(() => import("./cost/cost-tab.tsx"), "CostTab");
const RawTab = latePart(() => import("./raw-tab.tsx"), "RawTab");

/** One run: what it does and did, step by step, and everything that can be done about it. */
export function RunPage(): ReactNode {
  const address = useAddress();
  // Another run is another page: nothing of the one before is kept.
  return <OpenRun key={address.runId} address={address} />;
}

const NONE: ReadonlySet<string> = new Set();

function OpenRun({ address }: { readonly address: Address }): ReactNode {
  const log = useRunLog(address.runId);
  const [opened, setOpened] = useState(NONE);
  const facts = useFacts(address.runId, log);
  const underWay = useChildrenUnderWay(facts, log.events.length);
  const children = useMemo(() => opened.union(underWay), [opened, underWay]);
  const reading = useReading(log.events, children);
  const [forkBefore, setForkBefore] = useState<string>();
  const title = facts.title === "" ? "Run" : `Run of ${visible(facts.title)}`;
  useTabActions(address);
  if (log.events.length === 0 || reading === undefined)
    return <Page title="Run">{log.error === undefined ? <Loading lines={8} /> : <Absent log={log} />}</Page>;
  return (
    <Page
      title={title}
      isFull
      actions={<RunActions facts={facts} log={log} address={address} forkBefore={forkBefore} onForkBefore={setForkBefore} />}
    >
      {log.error !== undefined && <Failure error={log.error} onRetry={log.retry} />}
      <RunHeader facts={facts} events={log.events.length} />
      {log.isCut && <p className="text-xs text-orange">Only the first {count(EVENTS_MAX)} events are shown here.</p>}
      <RunTabs
        {...{ address, log, facts, reading }}
        onOpenRun={(runId) => setOpened((before) => before.union(new Set([runId])))}
        onFork={setForkBefore}
      />
    </Page>
  );
}

/** Why there is nothing of the run. */
function Absent({ log: { error, retry } }: { readonly log: RunLogState }): ReactNode {
  if (error?.code !== "not_found") return <Failure error={error} onRetry={retry} />;
  return (
    <Empty icon={SearchX} title="No run has this id">
      It may be misspelt, of another Tutti, or removed because it ended long ago.{" "}
      <Link to="/runs" className="text-blue underline">
        See all runs
      </Link>
    </Empty>
  );
}

/** What there is to know of the run; of one whose log is cut here, the server says how it stands. */
function useFacts(runId: string, { events, isCut }: RunLogState): RunFacts {
  const { data: record } = useQuery({ ...recordQuery(runId), enabled: isCut });
  return useMemo(() => {
    const facts = factsOf(events);
    if (!isCut || record === undefined) return facts;
    return { ...facts, status: record.status, hasEnded: hasEnded(record.status), endedAt: record.endedAt ?? undefined };
  }, [events, isCut, record]);
}

/** Child runs that are shown although nobody opened them: a step that is one leaves nothing in its parent's log until it ends. */
const UNDER_WAY_MAX = 10;
const CHILDREN_EVERY_MS = 5000;

function useChildrenUnderWay({ runId, hasEnded: isOver }: RunFacts, events: number): ReadonlySet<string> {
  const { data } = useQuery({
    ...childrenQuery(runId, useCalm(events)),
    enabled: !isOver && runId !== "",
    placeholderData: (before) => before,
    // A child begins without a word in its parent's log.
    refetchInterval: isOver ? false : CHILDREN_EVERY_MS,
  });
  return useMemo(
    () =>
      isOver || data === undefined
        ? NONE
        : new Set(
            data
              .filter(({ status }) => !hasEnded(status))
              .slice(0, UNDER_WAY_MAX)
              .map(({ id }) => id),
          ),
    [isOver, data],
  );
}

interface RunTabsProps {
  readonly address: Address;
  readonly log: RunLogState;
  readonly facts: RunFacts;
  readonly reading: RunReading;
  readonly onOpenRun: (runId: string) => void;
  readonly onFork: (beforeKey: string) => void;
}

const TABS = [
  { id: "timeline", title: "Timeline" },
  { id: "log", title: "Log" },
  { id: "graph", title: "Graph" },
  { id: "values", title: "Input & output" },
  { id: "receipt", title: "Receipt" },
  { id: "cost", title: "Cost" },
  { id: "raw", title: "Raw" },
] as const;

type Tab = (typeof TABS)[number]["id"];

function RunTabs({ address, log, facts, reading, onOpenRun, onFork }: RunTabsProps): ReactNode {
  const tab = TABS.find(({ id }) => id === address.search["tab"])?.id ?? "timeline";
  const { events } = log;
  const contents: Readonly<Record<Tab, () => ReactNode>> = {
    timeline: () => <TimelineTab {...{ reading, address, onOpenRun, onFork }} />,
    log: () => <LogTab {...{ events, address }} hasEnded={facts.hasEnded} />,
    graph: () => <GraphTab {...{ events, reading, facts, address }} />,
    values: () => <ValuesTab {...{ facts, address }} />,
    receipt: () => <ReceiptTab facts={facts} events={events.length} />,
    cost: () => <CostTab {...{ events, facts }} />,
    raw: () => <RawTab {...{ events, facts }} />,
  };
  return (
    <Tabs
      label="Views of the run"
      tab={tab}
      onTab={(next) => address.change({ tab: next === "timeline" ? undefined : next }, "push")}
      tabs={TABS.map(({ id, title }) => ({
        id,
        title,
        content: () => <Suspense fallback={<Loading lines={6} />}>{contents[id]()}</Suspense>,
      }))}
    />
  );
}

function useTabActions({ change }: Address): void {
  const actions = useMemo(
    () =>
      TABS.map(({ id, title }, index): ShellAction => ({
        id: `tab ${id}`,
        title: `Show ${title.toLowerCase()}`,
        group: "Run",
        keys: String(index + 1),
        run: () => change({ tab: id === "timeline" ? undefined : id }, "push"),
      })),
    [change],
  );
  useActions(actions);
}

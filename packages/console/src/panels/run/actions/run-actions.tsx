import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import type { ApprovalEntry } from "@tutti/client";
import { Hand, MoreHorizontal } from "lucide-react";
import { Menu } from "@base-ui/react/menu";
import { useMemo, useState, type ReactNode } from "react";
import { Button, buttonLook } from "../../../parts/button.tsx";
import { Confirm } from "../../../parts/confirm.tsx";
import { copyText } from "../../../parts/copy-text.ts";
import { complain, say } from "../../../parts/toasts.tsx";
import { client } from "../../../server.ts";
import { useActions, type ShellAction } from "../../../shell/actions.ts";
import { Keys } from "../../../shell/keys.tsx";
import { isGraphRun } from "../graph/is-graph-run.ts";
import type { RunFacts } from "../run-facts.ts";
import type { Address } from "../use-address.ts";
import { useCalm } from "../use-calm.ts";
import type { RunLogState } from "../use-run-log.ts";
import { ApprovalsWindow } from "./approvals-window.tsx";
import { ForkWindow } from "./fork-window.tsx";
import { ReplayWindow } from "./replay-window.tsx";
import { ResumeWindow } from "./resume-window.tsx";
import { SignalWindow } from "./signal-window.tsx";
import { runApprovalsQuery, startAgain } from "./steering.ts";

interface RunActionsProps {
  readonly facts: RunFacts;
  readonly log: RunLogState;
  readonly address: Address;
  /** The step before which a fork is being made; undefined when none is. */
  readonly forkBefore: string | undefined;
  readonly onForkBefore: (key: string | undefined) => void;
}

/** Windows that an address opens too: "?do=cancel". */
const WINDOWS = ["signal", "cancel", "resume", "retry", "replay", "again", "fork"] as const;
type Open = (typeof WINDOWS)[number] | "approve";

/** Runs that are something else as well: what goes with them. */
const OWN_RUNS: Readonly<Record<string, string>> = {
  "tutti.schedule": "This run is a schedule itself: cancelling it removes the schedule, which starts nothing any more.",
  "tutti.supervisor": "This run keeps supervised work going: cancelling it lets that work end for good.",
};

/** Everything that can be done to a run: as buttons, in the palette, and by keys. */
export function RunActions({ facts, log, address, forkBefore, onForkBefore }: RunActionsProps): ReactNode {
  const [chosen, setOpen] = useState<Open>();
  const navigate = useNavigate();
  const { events } = log;
  const approvals = useAsked(facts, events.length);
  const isAsked = !facts.hasEnded && approvals.length > 0;
  const isGraph = useMemo(() => isGraphRun(facts.workflow, events), [facts.workflow, events]);
  const { change } = address;
  const actions = useMemo(
    () =>
      actionsOf({
        facts,
        isAsked,
        isGraph,
        open: setOpen,
        fork: () => onForkBefore(""),
        amend: () => change({ tab: "graph", do: "amend" }, "push"),
      }),
    [facts, isAsked, isGraph, onForkBefore, change],
  );
  useActions(actions);
  // Once it is answered, what the run asks later does not open the window by itself.
  if (chosen === "approve" && !isAsked) setOpen(undefined);
  const open = chosen ?? windowOf(address, actions);
  const close = (): void => {
    setOpen(undefined);
    onForkBefore(undefined);
    if (address.search["do"] !== undefined) address.change({ do: undefined });
  };
  const go = (runId: string): void => void navigate({ to: "/runs/$runId", params: { runId } });
  return (
    <>
      {isAsked && (
        <Button tone="primary" onClick={() => setOpen("approve")}>
          <Hand aria-hidden className="size-4" />
          Approve or deny
        </Button>
      )}
      {actions
        .filter(({ isFirst }) => isFirst)
        .map(({ id, title, run }) => (
          <Button key={id} onClick={run}>
            {title}
          </Button>
        ))}
      <MoreMenu actions={actions.filter(({ isFirst, id }) => !isFirst && id !== "run approve")} />
      {isAsked && open === "approve" && <ApprovalsWindow approvals={approvals} onClose={close} />}
      {open === "signal" && <SignalWindow facts={facts} events={events} onClose={close} />}
      {open === "resume" && <ResumeWindow facts={facts} onClose={close} />}
      {open === "replay" && <ReplayWindow runId={facts.runId} onClose={close} />}
      {(forkBefore !== undefined || open === "fork") && (
        <ForkWindow facts={facts} events={events} beforeKey={forkBefore ?? ""} onClose={close} onForked={go} />
      )}
      <Confirm
        title="Cancel this run?"
        about={
          OWN_RUNS[facts.workflow] ?? "Its steps are undone where they say how, its children are cancelled too, and it ends as cancelled."
        }
        verb="Cancel the run"
        done="The run is asked to cancel."
        reason="asked"
        isDangerous
        isOpen={open === "cancel"}
        onClose={close}
        act={(reason) => client.cancelRun(facts.runId, reason === "" ? "cancelled in the console" : reason)}
      />
      <AgainWindows facts={facts} open={open} onClose={close} onStarted={go} />
    </>
  );
}

interface AgainProps {
  readonly facts: RunFacts;
  readonly open: Open | undefined;
  readonly onClose: () => void;
  readonly onStarted: (runId: string) => void;
}

/** What starts another run instead of this one. */
function AgainWindows({ facts, open, onClose, onStarted }: AgainProps): ReactNode {
  return (
    <>
      <Confirm
        title="Retry from the step that failed?"
        about="A new run begins with what this one has done, and does the failed step again. This run stays as it is."
        verb="Retry"
        done="A new run goes on from the step that failed."
        isOpen={open === "retry"}
        onClose={onClose}
        act={async () => onStarted((await client.forkRun(facts.runId, {})).run.id)}
      />
      <Confirm
        title="Start again with the same input?"
        about="A new run of the same workflow, from its first step."
        verb="Start"
        done="A new run is started."
        isOpen={open === "again"}
        onClose={onClose}
        act={async () => onStarted(await startAgain(facts))}
      />
    </>
  );
}

/** The window that the address opens, if the run lets it be done. */
function windowOf({ search }: Address, actions: readonly RunAction[]): Open | undefined {
  return WINDOWS.find((window) => window === search["do"] && actions.some(({ id }) => id === `run ${window}`));
}

/** What the run asks of people now. */
function useAsked({ runId, hasEnded }: RunFacts, events: number): readonly ApprovalEntry[] {
  const { data = [] } = useQuery({
    ...runApprovalsQuery(runId, useCalm(events)),
    enabled: !hasEnded,
    placeholderData: (before: readonly ApprovalEntry[] | undefined) => before,
  });
  return data;
}

interface RunAction extends ShellAction {
  /** It has a button of its own; the others are in the menu. */
  readonly isFirst: boolean;
}

interface ActionParts {
  readonly facts: RunFacts;
  readonly isAsked: boolean;
  readonly isGraph: boolean;
  readonly open: (open: Open) => void;
  readonly fork: () => void;
  readonly amend: () => void;
}

/** What can be done to the run as it stands. */
function actionsOf({ facts, isAsked, isGraph, open, fork, amend }: ActionParts): readonly RunAction[] {
  const { status, hasEnded, runId, workflow } = facts;
  const isOwn = canStart(workflow);
  const copy = (): Promise<void> => copyText(runId).then(() => say("The run’s id is copied"), complain);
  const all: readonly (readonly [isOffered: boolean, action: Omit<RunAction, "group">])[] = [
    [isAsked, { id: "run approve", title: "Approve or deny what it asks", keys: "r a", isFirst: false, run: () => open("approve") }],
    [status === "failed", { id: "run retry", title: "Retry", keys: "r r", words: "failed step", isFirst: true, run: () => open("retry") }],
    [status === "paused", { id: "run resume", title: "Resume", keys: "r u", words: "go on", isFirst: true, run: () => open("resume") }],
    [!hasEnded, { id: "run signal", title: "Send a signal", keys: "r s", isFirst: false, run: () => open("signal") }],
    [!hasEnded, { id: "run cancel", title: "Cancel", keys: "r x", words: "stop end kill", isFirst: true, run: () => open("cancel") }],
    [
      !hasEnded && isGraph,
      { id: "graph amend", title: "Amend the running graph", keys: "r g", words: "change edit", isFirst: false, run: amend },
    ],
    [isOwn, { id: "run again", title: "Start again with the same input", keys: "r n", isFirst: false, run: () => open("again") }],
    [isOwn, { id: "run fork", title: "Fork from a step", keys: "r f", words: "edit time travel", isFirst: false, run: fork }],
    [true, { id: "run replay", title: "Replay", keys: "r p", words: "verify deterministic", isFirst: false, run: () => open("replay") }],
    [true, { id: "run copy", title: "Copy the run’s id", keys: "r c", isFirst: false, run: copy }],
  ];
  return all.flatMap(([isOffered, action]) => (isOffered ? [{ ...action, group: "Run" }] : []));
}

/** Tutti starts its own runs itself, but for those of graphs. */
function canStart(workflow: string): boolean {
  return !workflow.startsWith("tutti.") || workflow === "tutti.graph";
}

function MoreMenu({ actions }: { readonly actions: readonly RunAction[] }): ReactNode {
  return (
    <Menu.Root>
      <Menu.Trigger aria-label="More actions" className={buttonLook("plain")}>
        <MoreHorizontal aria-hidden className="size-4" />
      </Menu.Trigger>
      <Menu.Portal>
        <Menu.Positioner sideOffset={6} align="end" className="z-40">
          <Menu.Popup className="min-w-60 rounded-lg border border-line bg-ground-1 p-1 shadow-2xl">
            {actions.map(({ id, title, keys, run }) => (
              <Menu.Item
                key={id}
                onClick={() => void run()}
                className="flex h-8 cursor-pointer items-center gap-4 rounded-md px-2 text-[13px] text-ink outline-none data-[highlighted]:bg-ground-3"
              >
                <span className="grow">{title}</span>
                {keys !== undefined && <Keys keys={keys} />}
              </Menu.Item>
            ))}
          </Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.Root>
  );
}

import { Link } from "@tanstack/react-router";
import type { Event } from "@tutti/core";
import { useState, type ReactNode } from "react";
import { useAction } from "../action.ts";
import { useLive } from "../feed.ts";
import { Button, buttonLook } from "../parts/button.tsx";
import { complain } from "../parts/toasts.tsx";
import { client } from "../server.ts";
import { keepText, readKept } from "../tab-storage.ts";
import { Keys } from "./keys.tsx";
import { progressAfter, TOUR_GRAPH, TOUR_INPUT, type TourProgress } from "./tour-run.ts";

/** Where the run of the tour is kept, so that a reload goes on with it. */
const RUN = "tutti.tour";

/** What is said at each step. */
const STEPS: Readonly<Record<TourProgress | "start", { readonly place: number; readonly title: string; readonly text: string }>> = {
  start: {
    place: 1,
    title: "Welcome to Tutti",
    text: "A workflow wants to order dinner. Start its run: it calculates, asks you before it acts, and leaves a receipt.",
  },
  working: { place: 2, title: "It works", text: "Each step is journaled before the next one begins, so the run survives a crash." },
  asking: { place: 2, title: "It asks you", text: "Nothing happens until somebody answers. Read what it asks, then approve it." },
  ended: {
    place: 3,
    title: "Done, and it can be proved",
    text: "The receipt holds every event in a chain of hashes. Your browser checks it without trusting the server.",
  },
};

/**
 * Shows a newcomer a whole run in a minute: start it, approve a step of it, read its receipt, which ends it. It can be left at any time. It
 * stands away from what is said in passing: on the other side, and on a phone at the other end.
 */
export function Tour({ onClose }: { readonly onClose: () => void }): ReactNode {
  const [runId, setRunId] = useState(() => readKept(RUN));
  const [progress, setProgress] = useState<TourProgress>("working");
  const begin = (id: string | undefined): void => {
    keepText(RUN, id);
    setRunId(id);
  };
  const end = (): void => {
    keepText(RUN, undefined);
    onClose();
  };
  const starting = useAction({
    mutationFn: () => client.startGraph({ text: TOUR_GRAPH, name: "tour", input: TOUR_INPUT }),
    onSuccess: ({ run }) => begin(run.id),
    onError: complain,
  });
  useLive(runId === undefined ? null : { topic: "run", runId }, {
    onData: ({ events }) =>
      setProgress((known) => events.reduce<TourProgress>((so, event) => progressAfter(so, event as unknown as Event), known)),
    // It was another server's, or is deleted.
    onError: () => begin(undefined),
  });
  const step = runId === undefined ? "start" : progress;
  const { place, title, text } = STEPS[step];
  return (
    <section
      aria-label="Tour"
      className="panel fixed start-4 bottom-4 z-30 flex w-88 max-w-[calc(100vw-2rem)] flex-col gap-3 border-blue p-4 md:start-60 shadow-2xl"
    >
      <div aria-live="polite" className="flex flex-col gap-2 text-[13px] text-ink-2">
        <p className="text-[11px] text-ink-3">Step {place} of 3</p>
        <h2 className="text-sm font-semibold text-ink">{title}</h2>
        <p>{text}</p>
      </div>
      <div className="flex flex-wrap items-center gap-2">
        {step === "start" && (
          <Button tone="primary" onClick={() => starting.mutate()} isBusy={starting.isPending}>
            Start the run
          </Button>
        )}
        {runId !== undefined && step === "asking" && (
          <Link to="/approvals" search={{ run: runId }} className={buttonLook("primary")}>
            Show the question
          </Link>
        )}
        {runId !== undefined && step === "ended" && (
          <Link to="/runs/$runId" params={{ runId }} search={{ tab: "receipt" }} onClick={end} className={buttonLook("primary")}>
            Open the receipt
          </Link>
        )}
        {runId !== undefined && step !== "ended" && (
          <Link to="/runs/$runId" params={{ runId }} className={buttonLook()}>
            Watch it
          </Link>
        )}
        <span className="grow" />
        <Button tone="quiet" onClick={end}>
          {step === "ended" ? "Finish" : "Leave the tour"}
        </Button>
      </div>
      {step === "ended" && (
        <p className="text-xs text-ink-3">
          <Keys keys="mod+k" /> finds and does everything, <Keys keys="?" /> lists the keys.
        </p>
      )}
    </section>
  );
}

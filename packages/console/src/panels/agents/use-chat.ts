import { useQuery } from "@tanstack/react-query";
import type { ChatPart } from "@tutti/client";
import { AppError } from "@tutti/core";
import { useEffect, useEffectEvent, useRef, useState } from "react";
import { useConnection } from "../../feed.ts";
import { Pace } from "../../paced.ts";
import { complain } from "../../parts/toasts.tsx";
import { queryClient } from "../../query-client.ts";
import { runInputQuery } from "../../queries.ts";
import { client } from "../../server.ts";
import { readAnswer } from "./answer-reading.ts";
import { messagesOf, type ChatMessage } from "./conversations.ts";
import { answerEventsQuery, approvalsOfRunQuery } from "./queries.ts";

/** The turn that is under way, or that has just ended. */
interface OpenTurn {
  readonly messages: readonly ChatMessage[];
  readonly runId: string | null;
  readonly text: string;
  /** Why it ended without an answer. */
  readonly error: AppError | undefined;
  readonly isOpen: boolean;
  /** Since when the server has been gone, which had not said how the answer ends. */
  readonly lostAtMs: number | undefined;
}

/** A conversation with an agent. */
export interface Chat {
  /** What was said before the last question. */
  readonly before: readonly ChatMessage[];
  readonly turn: OpenTurn | undefined;
  readonly ask: (question: string) => void;
  readonly stop: () => void;
  /** Asks the last question again, as a new run. */
  readonly retry: () => void;
  readonly isLoading: boolean;
  readonly loadError: unknown;
}

interface ChatParts {
  readonly agent: string;
  /** The run of the last answer, from the address. */
  readonly runId: string | undefined;
  readonly onRun: (runId: string) => void;
}

/** Talks to an agent. The address names the run of the last answer, and that run's log holds the whole conversation: a reload goes on with it. */
export function useChat({ agent, runId, onRun }: ChatParts): Chat {
  const [open, setOpen] = useState<OpenTurn>();
  const leaving = useRef<AbortController>(undefined);
  const wantsStop = useRef(false);
  useEffect(() => () => leaving.current?.abort(), []);
  // What this page streams itself is not read from the log as well.
  const isOurs = open !== undefined && (open.runId === runId || runId === undefined);
  const kept = useKeptTurn(isOurs ? undefined : runId);
  const turn = isOurs ? open : kept.turn;
  useReturn(open, (back) => setOpen((before) => (before?.runId === back ? undefined : before)));
  const ask = (messages: readonly ChatMessage[]): void => {
    leaving.current?.abort();
    const controller = new AbortController();
    leaving.current = controller;
    wantsStop.current = false;
    const update = (change: Partial<OpenTurn>): void =>
      setOpen((before) => (leaving.current === controller && before !== undefined ? { ...before, ...change } : before));
    let text = "";
    // Tokens come faster than a text of many is drawn.
    const drawing = new Pace(() => update({ text }));
    let asked: string | null = null;
    setOpen({ messages, runId: null, text: "", error: undefined, isOpen: true, lostAtMs: undefined });
    const take = (part: ChatPart): void => {
      if (part.type === "started") {
        asked = part.runId;
        update({ runId: part.runId });
        onRun(part.runId);
        if (wantsStop.current) cancelAnswer(part.runId);
      } else if (part.type === "text") {
        text += part.text;
        drawing.ask();
      } else if (part.type === "approval") void queryClient.invalidateQueries(approvalsOfRunQuery(part.approval.runId));
      else update({ text: (text = part.answer.reply.content) });
    };
    void follow({ agent, messages, take, signal: controller.signal }).then(async (error) => {
      drawing.finish();
      const standing = error?.code === "upstream" ? await standingOf(asked) : "ended";
      // It was only cut off here: from now on its log is followed.
      if (standing === "goes on") setOpen((before) => (leaving.current === controller ? undefined : before));
      else update({ isOpen: false, error, lostAtMs: standing === "unknown" ? Date.now() : undefined });
      void queryClient.invalidateQueries({ queryKey: ["conversations", agent] });
    });
  };
  const said =
    turn === undefined ? [] : [...turn.messages, ...(turn.text === "" ? [] : [{ role: "assistant" as const, content: turn.text }])];
  return {
    before: turn?.messages.slice(0, -1) ?? [],
    turn,
    ask: (question) => ask([...(said.at(-1)?.role === "user" ? said.slice(0, -1) : said), { role: "user", content: question }]),
    stop() {
      // A page that was reloaded, or another browser, does not stream the answer; its run is stopped all the same.
      if (turn !== undefined && turn.runId !== null) cancelAnswer(turn.runId);
      else wantsStop.current = true;
    },
    retry: () => turn !== undefined && ask(turn.messages),
    isLoading: kept.isLoading,
    loadError: kept.error,
  };
}

/** Ends an answer, whoever follows it. */
export function cancelAnswer(runId: string): void {
  client.cancelRun(runId, "stopped in the console").catch((thrown: unknown) => {
    // It has ended meanwhile.
    if (AppError.from(thrown).code !== "conflict") complain(thrown);
  });
}

interface Following {
  readonly agent: string;
  readonly messages: readonly ChatMessage[];
  readonly take: (part: ChatPart) => void;
  readonly signal: AbortSignal;
}

/** Hands on the parts of an answer; says why it ended early, if it did. */
async function follow({ agent, messages, take, signal }: Following): Promise<AppError | undefined> {
  try {
    for await (const part of client.chat({ agent, messages, leaving: "continue" }, signal)) take(part);
    return undefined;
  } catch (thrown) {
    return AppError.from(thrown);
  }
}

/** What became of a run whose answer broke off: whether a model failed it, the way to it was cut, or the server is gone. */
async function standingOf(runId: string | null): Promise<"ended" | "goes on" | "unknown"> {
  try {
    if (runId === null) {
      // Without a run there is nothing to ask but whether somebody is there.
      await client.status();
      return "ended";
    }
    const { status } = (await client.run(runId)).run;
    return status === "failed" || status === "cancelled" ? "ended" : "goes on";
  } catch (thrown) {
    return ["upstream", "timeout"].includes(AppError.from(thrown).code) ? "unknown" : "ended";
  }
}

/** When the server is back after a turn was lost, reads what its run's log tells; from then on that is followed. */
function useReturn(open: OpenTurn | undefined, onReturn: (runId: string) => void): void {
  const { status, since } = useConnection();
  const { lostAtMs, runId = null } = open ?? {};
  const isBack = lostAtMs !== undefined && status === "live" && Date.parse(since) > lostAtMs;
  const read = useEffectEvent(async () => {
    if (runId === null) return;
    const asked = [queryClient.fetchQuery(runInputQuery(runId)), queryClient.fetchQuery(answerEventsQuery(runId))];
    // When it is gone again meanwhile, the next return reads it.
    if ((await Promise.allSettled<unknown>(asked)).every((reading) => reading.status === "fulfilled")) onReturn(runId);
  });
  useEffect(() => {
    if (isBack) void read();
  }, [isBack]);
}

/** A turn as its run's log tells it. */
function useKeptTurn(runId: string | undefined): {
  readonly turn: OpenTurn | undefined;
  readonly isLoading: boolean;
  readonly error: unknown;
} {
  const isThere = runId !== undefined;
  const input = useQuery({ ...runInputQuery(runId ?? ""), enabled: isThere });
  const events = useQuery({ ...answerEventsQuery(runId ?? ""), enabled: isThere });
  if (!isThere) return { turn: undefined, isLoading: false, error: null };
  if (input.data === undefined || events.data === undefined)
    return { turn: undefined, isLoading: input.isPending || events.isPending, error: input.error ?? events.error };
  const { text = "", error, status } = readAnswer(events.data);
  return {
    turn: {
      messages: messagesOf(input.data),
      runId,
      text,
      error: error === undefined ? undefined : AppError.revive(error.code, error.message),
      isOpen: status === "running" || status === "waiting" || status === "queued",
      lostAtMs: undefined,
    },
    isLoading: false,
    error: null,
  };
}

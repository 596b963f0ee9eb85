import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import type { AgentEntry } from "@tutti/client";
import { ChevronDown, MessageSquarePlus, SendHorizontal, Square } from "lucide-react";
import { useEffect, useEffectEvent, useMemo, useRef, useState, type Dispatch, type ReactNode, type SetStateAction } from "react";
import { Button, IconButton } from "../../parts/button.tsx";
import { cx } from "../../parts/class-names.ts";
import { Empty, Failure, Loading } from "../../parts/states.tsx";
import { Moment } from "../../parts/time.tsx";
import { useActions, type ShellAction } from "../../shell/actions.ts";
import { keepText, readKept } from "../../tab-storage.ts";
import { Answer } from "./answer.tsx";
import { Dictate } from "./dictate.tsx";
import type { ChatMessage, Conversation } from "./conversations.ts";
import { conversationsQuery } from "./queries.ts";
import { useChat, type Chat } from "./use-chat.ts";

/** A conversation with an agent, and those there have been. */
export function ChatTab({ agent }: { readonly agent: AgentEntry }): ReactNode {
  const { run } = useSearch({ from: "/agents/$name" });
  const navigate = useNavigate({ from: "/agents/$name" });
  const [edition, setEdition] = useState(0);
  const go = (runId: string | undefined, replace: boolean): void =>
    void navigate({ search: (before) => ({ ...before, tab: "chat", run: runId }), replace });
  const begin = (runId: string | undefined): void => {
    setEdition(edition + 1);
    go(runId, false);
  };
  return (
    <div className="grid h-full min-h-0 grid-cols-[15rem_minmax(0,1fr)] grid-rows-1 gap-4 tight:min-h-full tight:h-auto tight:grid-cols-1 tight:grid-rows-[auto_1fr] tight:gap-2">
      <History agent={agent.name} current={run} onOpen={begin} />
      <Talk key={edition} agent={agent} runId={run} onRun={(runId) => go(runId, true)} onNew={() => begin(undefined)} />
    </div>
  );
}

interface HistoryProps {
  readonly agent: string;
  readonly current: string | undefined;
  readonly onOpen: (runId: string | undefined) => void;
}

function History({ agent, current, onOpen }: HistoryProps): ReactNode {
  const [steps, setSteps] = useState(1);
  const [isListed, setListed] = useState(false);
  const query = useQuery(conversationsQuery(agent, steps));
  const { conversations = [], hasMore = false } = query.data ?? {};
  const isCurrent = ({ runs }: Conversation): boolean => runs.some(({ run }) => run.id === current);
  return (
    <nav aria-label="Conversations" className="flex min-h-0 flex-col gap-1 overflow-y-auto tight:overflow-visible">
      <div className="flex flex-col gap-1 tight:flex-row tight:flex-wrap">
        <Button onClick={() => onOpen(undefined)}>
          <MessageSquarePlus aria-hidden className="size-3.5" />
          New conversation
        </Button>
        <span className="hidden tight:inline-flex">
          <Button aria-expanded={isListed} onClick={() => setListed(!isListed)}>
            Earlier ones
            <ChevronDown aria-hidden className="size-3.5" />
          </Button>
        </span>
      </div>
      {query.isPending && <Loading lines={4} />}
      {/* What was read before stays while the server cannot be reached; the frame of the page says that it cannot. */}
      {query.error !== null && query.data === undefined && <Failure error={query.error} onRetry={() => query.refetch()} />}
      <ul className={cx("mt-1 flex flex-col", !isListed && "tight:hidden")}>
        {conversations.map((conversation) => (
          <li key={conversation.id}>
            <button
              type="button"
              aria-current={isCurrent(conversation) ? "page" : undefined}
              onClick={() => {
                setListed(false);
                onOpen(conversation.id);
              }}
              className={cx(
                "flex w-full flex-col rounded-md px-2 py-1.5 text-start text-[13px]",
                isCurrent(conversation) ? "bg-ground-3 text-ink" : "text-ink-2 hover:bg-ground-2",
              )}
            >
              <span className="w-full truncate" dir="auto">
                {conversation.title || "(nothing)"}
              </span>
              <span className="text-xs text-ink-3">
                <Moment at={conversation.at} />
              </span>
            </button>
          </li>
        ))}
      </ul>
      {hasMore && (
        <span className={cx("flex flex-col", !isListed && "tight:hidden")}>
          <Button tone="quiet" isBusy={query.isFetching} onClick={() => setSteps(steps + 1)}>
            Older
          </Button>
        </span>
      )}
    </nav>
  );
}

interface TalkProps {
  readonly agent: AgentEntry;
  readonly runId: string | undefined;
  readonly onRun: (runId: string) => void;
  readonly onNew: () => void;
  /** Part of a page about something else: it does not take the keyboard, and its frame is the page's. */
  readonly isPart?: boolean;
}

/** One conversation with an agent: what is said, and where the next message is written. */
export function Talk({ agent, runId, onRun, onNew, isPart = false }: TalkProps): ReactNode {
  const chat = useChat({ agent: agent.name, runId, onRun });
  const composer = useRef<HTMLTextAreaElement>(null);
  useChatActions({ chat, agent: agent.name, onNew, focus: () => composer.current?.focus() });
  if (chat.loadError !== null && chat.loadError !== undefined) return <Failure error={chat.loadError} />;
  return (
    <section
      aria-label={`Conversation with ${agent.name}`}
      className={isPart ? "-m-4 flex max-h-[32rem] flex-col" : "panel flex min-h-0 flex-col"}
    >
      <Said chat={chat} agent={agent} runId={runId} isPart={isPart} />
      <Composer key={agent.name} box={composer} agent={agent.name} chat={chat} isPart={isPart} />
    </section>
  );
}

/** How near the end somebody must be for new text to keep it in sight. */
const FOLLOW_PX = 80;

interface SaidProps extends Pick<TalkProps, "agent" | "runId"> {
  readonly chat: Chat;
  readonly isPart: boolean;
}

function Said({ chat, agent, runId, isPart }: SaidProps): ReactNode {
  const { before, turn, ask, retry } = chat;
  const box = useRef<HTMLDivElement>(null);
  const runs = useRunsOfConversation(agent.name, runId);
  useFollowing(box, turn !== undefined);
  return (
    <div
      ref={box}
      className={cx("min-h-64 grow overflow-y-auto p-4", !isPart && "tight:min-h-0 tight:overflow-visible tight:**:scroll-mb-20")}
    >
      <div role="log" aria-label="Messages" className="mx-auto flex max-w-3xl flex-col gap-5">
        {chat.isLoading && <Loading />}
        {turn === undefined && !chat.isLoading && <Starters agent={agent} onAsk={ask} />}
        {before.map((message, index) => (
          // Messages are told apart by their place: the same may be said twice.
          <Message key={index} message={message} runId={runs.get(index)} />
        ))}
        {turn !== undefined && (
          <>
            {turn.messages.slice(-1).map((message) => (
              <Message key="question" message={message} runId={undefined} />
            ))}
            <Answer
              runId={turn.runId}
              text={turn.text}
              isOpen={turn.isOpen}
              error={turn.error}
              isLost={turn.lostAtMs !== undefined}
              onRetry={retry}
            />
          </>
        )}
      </div>
    </div>
  );
}

/** Keeps the end of a conversation in sight as it grows, unless somebody has scrolled away from it. */
function useFollowing(box: { readonly current: HTMLElement | null }, hasBegun: boolean): void {
  const isFollowing = useRef(true);
  useEffect(() => {
    const look = ({ target }: globalThis.Event): void => {
      const scroller = scrollerOf(box.current);
      if (scroller === null || target !== scroller) return;
      isFollowing.current = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < FOLLOW_PX;
    };
    document.addEventListener("scroll", look, { capture: true, passive: true });
    return () => document.removeEventListener("scroll", look, { capture: true });
  }, [box]);
  useEffect(() => {
    const scroller = scrollerOf(box.current);
    if (scroller !== null && hasBegun && isFollowing.current) scroller.scrollTop = scroller.scrollHeight;
  });
}

/** What scrolls a conversation: itself, or the page where there is little room. */
function scrollerOf(box: HTMLElement | null): HTMLElement | null {
  return box === null || getComputedStyle(box).overflowY !== "visible" ? box : box.closest("main");
}

/** Which run gave which of the messages before, where the conversation's runs are known. */
function useRunsOfConversation(agent: string, runId: string | undefined): ReadonlyMap<number, string> {
  const { data } = useQuery(conversationsQuery(agent, 1));
  return useMemo(() => {
    const conversation = data?.conversations.find(({ runs }) => runs.some(({ run }) => run.id === runId));
    return new Map((conversation?.runs ?? []).map(({ run, messages }) => [messages.length, run.id]));
  }, [data, runId]);
}

function Message({ message: { role, content }, runId }: { readonly message: ChatMessage; readonly runId: string | undefined }): ReactNode {
  if (role === "assistant") return <Answer runId={runId ?? null} text={content} isOpen={false} error={undefined} />;
  return (
    <article aria-label={role === "user" ? "Question" : "Instruction"} className="ms-auto max-w-[85%] rounded-lg bg-ground-3 px-3.5 py-2">
      <p className="text-sm break-words whitespace-pre-wrap" dir="auto">
        {content}
      </p>
    </article>
  );
}

function Starters({ agent, onAsk }: { readonly agent: AgentEntry; readonly onAsk: (question: string) => void }): ReactNode {
  const { starters } = agent.capabilities;
  return (
    <Empty title={`Talk to ${agent.name}`}>
      <p>{agent.description}</p>
      {starters.length > 0 && (
        <ul className="mt-4 flex flex-wrap justify-center gap-2">
          {starters.map((starter) => (
            <li key={starter}>
              <Button onClick={() => onAsk(starter)}>{starter}</Button>
            </li>
          ))}
        </ul>
      )}
    </Empty>
  );
}

interface ComposerProps {
  readonly box: React.RefObject<HTMLTextAreaElement | null>;
  readonly agent: string;
  readonly chat: Chat;
  readonly isPart: boolean;
}

const LINES_MAX = 10;

function Composer({ box, agent, chat, isPart }: ComposerProps): ReactNode {
  const [draft, setDraft] = useDraft(`tutti chat draft ${agent}`);
  const [isQueued, queue] = useQueue({ turn: chat.turn, draft, submit: () => box.current?.form?.requestSubmit() });
  const isOpen = chat.turn?.isOpen === true;
  const send = (): void => {
    if (draft.trim() === "") return;
    queue(isOpen ? draft : undefined);
    if (isOpen) return;
    chat.ask(draft.trim());
    setDraft("");
  };
  return (
    <form
      className={cx("border-t border-line p-3", !isPart && "tight:sticky tight:bottom-0 tight:rounded-b-lg tight:bg-ground-1 tight:p-2")}
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <div className="flex items-end gap-2">
        <textarea
          ref={box}
          aria-label={`Message to ${agent}`}
          placeholder="Ask something. Shift+Enter: new line"
          dir="auto"
          autoFocus={!isPart}
          rows={Math.min(LINES_MAX, draft.split("\n").length)}
          value={draft}
          onChange={({ target }) => setDraft(target.value)}
          onKeyDown={(event) => {
            // While a word is being composed (Japanese, Chinese, Korean), Enter chooses it.
            if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
            event.preventDefault();
            send();
          }}
          className="min-h-9 grow resize-none rounded-md border border-line-strong bg-ground px-3 py-2 text-sm text-ink placeholder:text-ink-3"
        />
        <Dictate
          onText={(said) => {
            setDraft((before) => [before.trimEnd(), said].filter((text) => text !== "").join(" "));
            box.current?.focus();
          }}
        />
        {isOpen ? (
          <Button tone="danger" onClick={chat.stop}>
            <Square aria-hidden className="size-3.5" />
            Stop
          </Button>
        ) : (
          <IconButton label="Send" type="submit" tone="primary" disabled={draft.trim() === ""}>
            <SendHorizontal aria-hidden className="size-4 rtl:-scale-x-100" />
          </IconButton>
        )}
      </div>
      <p role="status" className="text-xs text-ink-2">
        {isQueued && "It is sent once this answer is there. Write on to keep it here."}
      </p>
    </form>
  );
}

/** What somebody writes, kept in this tab: going elsewhere and a reload lose nothing of it. */
function useDraft(key: string): [draft: string, setDraft: Dispatch<SetStateAction<string>>] {
  const [draft, setDraft] = useState(() => readKept(key) ?? "");
  useEffect(() => keepText(key, draft === "" ? undefined : draft), [key, draft]);
  return [draft, setDraft];
}

interface QueueParts {
  readonly turn: Chat["turn"];
  readonly draft: string;
  readonly submit: () => void;
}

/** Whether the draft was sent while an answer still came: it waits for that, unless somebody writes on. */
function useQueue({ turn, draft, submit }: QueueParts): [isQueued: boolean, queue: (draft: string | undefined) => void] {
  const [queued, setQueued] = useState<string>();
  const isOpen = turn?.isOpen;
  const goOn = useEffectEvent(() => {
    const code = turn?.error?.code;
    // After a failure it is for whoever wrote it to say whether they still want it.
    if (queued === draft && (code === undefined || code === "cancelled")) submit();
  });
  useEffect(() => {
    if (isOpen === false) goOn();
  }, [isOpen]);
  return [isOpen === true && queued === draft, setQueued];
}

interface ChatActionParts {
  readonly chat: Chat;
  readonly agent: string;
  readonly onNew: () => void;
  readonly focus: () => void;
}

function useChatActions({ chat, agent, onNew, focus }: ChatActionParts): void {
  const group = `Talk to ${agent}`;
  const isOpen = chat.turn?.isOpen === true;
  const actions: readonly ShellAction[] = [
    { id: "chat new", title: "New conversation", group, keys: "n", run: onNew },
    { id: "chat write", title: `Write to ${agent}`, group, keys: "i", run: focus },
    ...(isOpen ? [{ id: "chat stop", title: "Stop the answer", group, keys: "mod+.", run: chat.stop }] : []),
    ...(!isOpen && chat.turn !== undefined
      ? [{ id: "chat retry", title: "Ask the last question again", group, keys: "r", run: chat.retry }]
      : []),
  ];
  useActions(actions);
}

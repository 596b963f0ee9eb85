import { AppError, type Json, type Principal, type Usage, type Wait } from "@tutti/core";
import type { App } from "../host/index.ts";
import { questionsOf, type Questions } from "./questions.ts";
import { Bell } from "./sse.ts";

/** What an agent's run gives. */
interface AgentOutput {
  readonly reply: { readonly role: "assistant"; readonly content: string };
  readonly route: Json;
  readonly usage: Usage;
}

/** A piece of the answer, a question that has to be answered before it goes on, or a sign that it is still under way. */
type TurnPart =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "approval"; readonly wait: Wait }
  | { readonly type: "quiet" };

/** A turn with an agent under way. */
export interface Conversation {
  readonly runId: string;
  /** As `text`, with what the run and its children ask of people, and a sign of life where nothing comes for a while. */
  parts(gone: AbortSignal): AsyncGenerator<TurnPart>;
  /** The answer's text as it comes, in one piece when the agent does not stream. When the client is gone the run is cancelled, or goes on, as it asked. */
  text(gone: AbortSignal): AsyncGenerator<string>;
  readonly output: Promise<AgentOutput>;
}

/** A turn to be started. */
interface Turn {
  readonly messages: Json;
  readonly principal: Principal;
  /** What becomes of the run when its client goes away before the answer is whole. */
  readonly leaving?: "cancel" | "continue";
}

/** Starts an agent's run and follows its text. */
export async function converse(app: App, agent: string, turn: Turn): Promise<Conversation> {
  const bell = new Bell();
  // Parts that a slow client has not taken yet are one text: memory stays that of the answer.
  let pending = "";
  let hasStreamed = false;
  let isSettled = false;
  const { runId } = await app.engine.start(
    agent,
    { messages: turn.messages },
    {
      principal: turn.principal,
      onPart: (part) => {
        if (part.type !== "text") return;
        hasStreamed = true;
        pending += part.text;
        bell.ring();
      },
    },
  );
  const output = app.engine.result(runId, new AbortController().signal).then((result) => result as unknown as AgentOutput);
  const settle = (): void => {
    isSettled = true;
    bell.ring();
  };
  output.then(settle, settle);
  const take = (): string => {
    const text = pending;
    pending = "";
    return text;
  };
  const parts = (gone: AbortSignal): AsyncGenerator<TurnPart> =>
    follow({
      gone,
      app,
      runId,
      principal: turn.principal,
      leaving: turn.leaving ?? "cancel",
      bell,
      take,
      output,
      hasStreamed: () => hasStreamed,
      isSettled: () => isSettled,
    });
  return { runId, output, parts, text: (gone) => textOf(parts(gone)) };
}

async function* textOf(parts: AsyncGenerator<TurnPart>): AsyncGenerator<string> {
  for await (const part of parts) if (part.type === "text") yield part.text;
}

interface Following {
  readonly gone: AbortSignal;
  readonly app: App;
  readonly runId: string;
  readonly principal: Principal;
  readonly leaving: "cancel" | "continue";
  readonly bell: Bell;
  readonly take: () => string;
  readonly output: Promise<AgentOutput>;
  readonly hasStreamed: () => boolean;
  readonly isSettled: () => boolean;
}

async function* follow(turn: Following): AsyncGenerator<TurnPart> {
  turn.gone.addEventListener("abort", () => turn.bell.ring());
  using questions = questionsOf(turn.app, turn.runId, () => turn.bell.ring());
  try {
    while (!turn.isSettled() && !turn.gone.aborted) {
      const isRung = await turn.bell.wait();
      const text = turn.take();
      if (text !== "") yield { type: "text", text };
      yield* asked(questions, isRung);
    }
    if (turn.gone.aborted) return;
    const { reply } = await turn.output;
    const rest = turn.hasStreamed() ? turn.take() : reply.content;
    if (rest !== "") yield { type: "text", text: rest };
  } finally {
    if (!turn.isSettled() && turn.leaving === "cancel") await cancel(turn);
  }
}

async function* asked(questions: Questions, isRung: boolean): AsyncGenerator<TurnPart> {
  for (const wait of await questions.take({ isLookedFor: !isRung })) yield { type: "approval", wait };
  if (!isRung) yield { type: "quiet" };
}

/** A client that left does not want the rest; a run that ended meanwhile is fine as it is. */
async function cancel({ app, runId, principal }: Following): Promise<void> {
  await app.engine.cancel(runId, "the client went away", principal).catch((thrown: unknown) => {
    if (AppError.from(thrown).code !== "conflict") throw thrown;
  });
}

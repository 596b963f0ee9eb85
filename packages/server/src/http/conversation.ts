import { AppError, type Json, type Principal, type Usage } from "@tutti/core";
import type { App } from "../host/index.ts";
import { Bell } from "./sse.ts";

/** What an agent's run gives. */
interface AgentOutput {
  readonly reply: { readonly role: "assistant"; readonly content: string };
  readonly route: Json;
  readonly usage: Usage;
}

/** A turn with an agent under way. */
export interface Conversation {
  readonly runId: string;
  /** The answer's text as it comes, in one piece when the agent does not stream. When the client is gone the run is cancelled. */
  text(gone: AbortSignal): AsyncGenerator<string>;
  readonly output: Promise<AgentOutput>;
}

/** Starts an agent's run and follows its text. */
export async function converse(
  app: App,
  agent: string,
  turn: { readonly messages: Json; readonly principal: Principal },
): Promise<Conversation> {
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
  return {
    runId,
    output,
    text: (gone) =>
      follow({
        gone,
        app,
        runId,
        principal: turn.principal,
        bell,
        take,
        output,
        hasStreamed: () => hasStreamed,
        isSettled: () => isSettled,
      }),
  };
}

interface Following {
  readonly gone: AbortSignal;
  readonly app: App;
  readonly runId: string;
  readonly principal: Principal;
  readonly bell: Bell;
  readonly take: () => string;
  readonly output: Promise<AgentOutput>;
  readonly hasStreamed: () => boolean;
  readonly isSettled: () => boolean;
}

async function* follow(turn: Following): AsyncGenerator<string> {
  turn.gone.addEventListener("abort", () => turn.bell.ring());
  try {
    while (!turn.isSettled() && !turn.gone.aborted) {
      await turn.bell.wait();
      const text = turn.take();
      if (text !== "") yield text;
    }
    if (turn.gone.aborted) return;
    const { reply } = await turn.output;
    const rest = turn.hasStreamed() ? turn.take() : reply.content;
    if (rest !== "") yield rest;
  } finally {
    if (!turn.isSettled()) await cancel(turn);
  }
}

/** A client that left does not want the rest; a run that ended meanwhile is fine as it is. */
async function cancel({ app, runId, principal }: Following): Promise<void> {
  await app.engine.cancel(runId, "the client went away", principal).catch((thrown: unknown) => {
    if (AppError.from(thrown).code !== "conflict") throw thrown;
  });
}

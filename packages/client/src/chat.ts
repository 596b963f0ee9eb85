import { AppError, type Message } from "@tutti/core";
import type { ApprovalEntry, ChatAnswer, ChatPart } from "./replies.ts";
import { readServerEvents } from "./server-events.ts";
import type { Transport } from "./transport.ts";

/** Local models may load for minutes before the first word. */
const FIRST_PART_TIMEOUT_MS = 300_000;
const SILENCE_MAX_MS = 300_000;

/** A turn in a conversation with an agent; the conversation so far comes along. */
export interface ChatRequest {
  readonly agent: string;
  readonly messages: readonly Pick<Message, "role" | "content">[];
  /** What becomes of the run when this client goes away before the answer is whole; left out, it is cancelled. */
  readonly leaving?: "cancel" | "continue";
}

/** An agent's answer as it comes. The first part names its run, the last is `done`; leaving early cancels the run unless `leaving` says otherwise. */
export async function* streamChat(
  transport: Transport,
  { agent, messages, leaving = "cancel" }: ChatRequest,
  signal: AbortSignal,
): AsyncGenerator<ChatPart, void> {
  const request = {
    method: "POST",
    path: `/v1/agents/${encodeURIComponent(agent)}/chat`,
    body: { messages, stream: true, leaving },
    headers: { accept: "text/event-stream" },
    timeoutMs: FIRST_PART_TIMEOUT_MS,
  } as const;
  try {
    const { body, runId } = await transport.open(request, signal);
    if (runId !== null) yield { type: "started", runId };
    for await (const { event, data } of readServerEvents(body, SILENCE_MAX_MS)) {
      const part = readPart(event, JSON.parse(data));
      if (part === undefined) continue;
      yield part;
      if (part.type === "done") return;
    }
  } catch (thrown) {
    if (signal.aborted) throw new AppError("cancelled", "the conversation was cancelled", { cause: thrown });
    throw thrown instanceof AppError ? thrown : new AppError("upstream", `the answer of ${agent} was cut off`, { cause: thrown });
  }
  throw new AppError("upstream", `wanted a whole answer of ${agent}, got one that was cut off; try again`);
}

/** Parts of kinds that this version does not know are left out. */
function readPart(event: string | undefined, data: unknown): ChatPart | undefined {
  switch (event ?? "message") {
    case "part":
      return data as ChatPart;
    case "approval":
      return { type: "approval", approval: data as ApprovalEntry };
    case "done":
      return { type: "done", answer: data as ChatAnswer };
    case "error": {
      const { code, message } = data as { readonly code: string; readonly message: string };
      throw AppError.revive(code, message);
    }
    default:
      return undefined;
  }
}

import { createHash } from "node:crypto";
import type { Json, Principal, Store } from "@tutti/core";
import { z } from "zod";
import { toolWorkflow } from "./tool-workflow.ts";
import { QuoteMemory } from "./quote-memory.ts";

/** What a conversation that holds a tainted reply is tainted by, and one with a reply that nobody knows. */
const EARLIER_TURN = "an earlier turn";
/** What a call is tainted by when an earlier call of its conversation was. */
const EARLIER_CALL = "an earlier call";
const UNKNOWN_REPLY = "an unknown reply";
/** What a conversation is tainted by in which somebody quotes a tainted reply. */
const QUOTE = "a quoted reply";
/** Messages looked at one by one, the newest first. Older ones in a longer conversation are not known to be clean. */
const MESSAGES_MAX = 1_000;

const message = z.object({
  role: z.string(),
  content: z.string(),
  callId: z.string().optional(),
  calls: z.array(z.object({ id: z.string(), name: z.string() })).optional(),
});
const toolCall = z.object({ tool: z.string(), conversation: z.string() });
const conversation = z.object({ messages: z.array(message) });
const reply = z.union([z.string(), z.object({ reply: z.object({ content: z.string() }) }).transform((output) => output.reply.content)]);

type Message = z.infer<typeof message>;

/** What is known of tools and workflows. */
interface Known {
  /** Of a tool by name; one that nobody knows is somebody else's. */
  readonly isUntrusted: (tool: string) => boolean;
  /** Whether a workflow is an agent with such tools: its replies are clean only where that is known. */
  readonly mayReadUntrusted: (workflow: string) => boolean;
}

interface Start {
  readonly workflow: string;
  readonly principal: Principal;
  readonly input: Json;
}

/**
 * Remembers which replies were given after reading untrusted content, and which were not: clients keep conversations themselves and send them
 * back, and a reply that an attacker may have had a hand in is still that in the next turn, also when somebody has changed it. A mark is a
 * small blob named by the reply's digest, so that every node finds it, and nothing but the digest is kept.
 */
export class TaintMemory {
  readonly #store: Pick<Store, "getBlob" | "putBlob">;
  readonly #known: Known;
  readonly #quotes = new QuoteMemory();

  constructor(store: Pick<Store, "getBlob" | "putBlob">, known: Known) {
    this.#store = store;
    this.#known = known;
  }

  /** The sources of untrusted content in a conversation that a run begins with. */
  async sourcesOf({ workflow, input, principal }: Start): Promise<readonly string[]> {
    const { tenant } = principal;
    const call = callMark({ workflow, input, principal });
    if (call !== undefined) return this.#earlierCalls(call);
    const parsed = conversation.safeParse(input);
    if (!parsed.success) return [];
    const messages = parsed.data.messages.slice(-MESSAGES_MAX);
    const needsProof = this.#known.mayReadUntrusted(workflow);
    const said = messages.flatMap(({ role, content }) => (role === "assistant" && content.trim() !== "" ? [content] : []));
    const replies = await Promise.all(said.map((content) => this.#sourceOf(tenant, content, needsProof)));
    const isCut = needsProof && messages.length < parsed.data.messages.length;
    const isQuoted = messages.some(({ role, content }) => role !== "tool" && this.#quotes.has(tenant, content));
    const others = [...(isCut ? [UNKNOWN_REPLY] : []), ...(isQuoted ? [QUOTE] : [])];
    return [...new Set([...this.#toolsIn(messages), ...replies.flatMap((source) => source ?? []), ...others])];
  }

  /** Remembers what a run gave. */
  async remember({ workflow, principal, input, output, tainted }: Start & End): Promise<void> {
    const { tenant } = principal;
    const call = callMark({ workflow, input, principal });
    if (call !== undefined && tainted.length > 0) await this.#store.putBlob(call.mark);
    const parsed = reply.safeParse(output);
    if (!parsed.success || parsed.data.trim() === "") return;
    if (tainted.length > 0) {
      const asked = conversation.safeParse(input);
      const own = asked.success ? asked.data.messages.flatMap(({ role, content }) => (role === "user" ? [content] : [])) : [];
      this.#quotes.add(tenant, parsed.data, own);
      await this.#store.putBlob(markOf("tainted", tenant, parsed.data));
    } else if (this.#known.mayReadUntrusted(workflow)) await this.#store.putBlob(markOf("clean", tenant, parsed.data));
  }

  /** A call of an untrusted tool counts for its conversation from when it is asked for: what it says when it fails is from outside too. */
  async #earlierCalls({ mark, tool }: CallMark): Promise<readonly string[]> {
    const isMarked = await this.#isMarked(mark);
    if (!isMarked && this.#known.isUntrusted(tool)) await this.#store.putBlob(mark);
    return isMarked ? [EARLIER_CALL] : [];
  }

  /** The untrusted tools whose results a conversation holds. Of tools whose calls share an id, the worst counts. */
  #toolsIn(messages: readonly Message[]): readonly string[] {
    const namesOf = new Map<string, string[]>();
    for (const { id, name } of messages.flatMap(({ calls = [] }) => calls)) {
      const names = namesOf.get(id);
      if (names === undefined) namesOf.set(id, [name]);
      else names.push(name);
    }
    const answering = messages.flatMap(({ role, callId = "" }) => (role === "tool" ? (namesOf.get(callId) ?? ["unknown tool"]) : []));
    return answering.filter((name) => this.#known.isUntrusted(name));
  }

  async #sourceOf(tenant: string, content: string, needsProof: boolean): Promise<string | undefined> {
    if (await this.#isMarked(markOf("tainted", tenant, content))) return EARLIER_TURN;
    return needsProof && !(await this.#isMarked(markOf("clean", tenant, content))) ? UNKNOWN_REPLY : undefined;
  }

  async #isMarked(mark: string): Promise<boolean> {
    const ref = { $blob: createHash("sha256").update(mark).digest("hex"), sizeBytes: Buffer.byteLength(mark) };
    const found = await this.#store.getBlob(ref).catch(() => undefined);
    // Blobs that nobody has written for long are removed: a conversation that goes on keeps its marks.
    if (found !== undefined) await this.#store.putBlob(mark);
    return found !== undefined;
  }
}

interface End {
  readonly output: Json;
  readonly tainted: readonly string[];
}

/** What marks the conversation that a tool call says it is part of. Nobody marks or reads the conversations of others. */
function callMark({ workflow, input, principal: { id, tenant } }: Start): CallMark | undefined {
  if (workflow !== toolWorkflow.name) return undefined;
  const call = toolCall.safeParse(input);
  if (!call.success) return undefined;
  const digest = createHash("sha256").update(call.data.conversation).digest("hex");
  return { tool: call.data.tool, mark: JSON.stringify({ taintedCalls: digest, tenant, principal: id }) };
}

interface CallMark {
  readonly tool: string;
  readonly mark: string;
}

function markOf(kind: "tainted" | "clean", tenant: string, content: string): string {
  const digest = createHash("sha256").update(content.trim()).digest("hex");
  return JSON.stringify({ [kind]: digest, tenant });
}

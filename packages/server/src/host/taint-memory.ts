import { createHash } from "node:crypto";
import type { Json, Principal, Store } from "@tutti/core";
import { z } from "zod";

/** What a conversation that holds a tainted reply is tainted by. */
const EARLIER_TURN = "an earlier turn";
/** Messages looked at, the newest first. */
const MESSAGES_MAX = 1_000;

const message = z.object({
  role: z.string(),
  content: z.string(),
  callId: z.string().optional(),
  calls: z.array(z.object({ id: z.string(), name: z.string() })).optional(),
});
const conversation = z.object({ messages: z.array(message) });
const reply = z.union([z.string(), z.object({ reply: z.object({ content: z.string() }) }).transform((output) => output.reply.content)]);

/**
 * Remembers the replies of runs that had read untrusted content: clients keep conversations themselves and send them back, and a reply that
 * an attacker may have had a hand in is still that in the next turn. A mark is a small blob named by the reply's digest, so that every node
 * finds it, and nothing but the digest is kept.
 */
export class TaintMemory {
  readonly #store: Pick<Store, "getBlob" | "putBlob">;
  readonly #isUntrusted: (tool: string) => boolean;

  /** `isUntrusted` says it of tools by name; one that nobody knows is somebody else's. */
  constructor(store: Pick<Store, "getBlob" | "putBlob">, isUntrusted: (tool: string) => boolean) {
    this.#store = store;
    this.#isUntrusted = isUntrusted;
  }

  /** The sources of untrusted content in a conversation that a run begins with. */
  async sourcesOf(input: Json, { tenant }: Principal): Promise<readonly string[]> {
    const parsed = conversation.safeParse(input);
    if (!parsed.success) return [];
    const messages = parsed.data.messages.slice(-MESSAGES_MAX);
    const nameOf = new Map(messages.flatMap(({ calls = [] }) => calls.map(({ id, name }) => [id, name] as const)));
    const tools = messages.flatMap(({ role, callId = "" }) => (role === "tool" ? [nameOf.get(callId) ?? "unknown tool"] : []));
    const said = messages.flatMap(({ role, content }) => (role === "assistant" && content.trim() !== "" ? [content] : []));
    const known = await Promise.all(said.map((content) => this.#isMarked(tenant, content)));
    return [...new Set([...tools.filter((tool) => this.#isUntrusted(tool)), ...(known.includes(true) ? [EARLIER_TURN] : [])])];
  }

  /** Remembers what a run that has read untrusted content gave. */
  async remember(output: Json, { tenant }: Principal): Promise<void> {
    const parsed = reply.safeParse(output);
    if (parsed.success && parsed.data.trim() !== "") await this.#store.putBlob(markOf(tenant, parsed.data));
  }

  async #isMarked(tenant: string, content: string): Promise<boolean> {
    const mark = markOf(tenant, content);
    const ref = { $blob: createHash("sha256").update(mark).digest("hex"), sizeBytes: Buffer.byteLength(mark) };
    const found = await this.#store.getBlob(ref).catch(() => undefined);
    // Blobs that nobody has written for long are removed: a conversation that goes on keeps its marks.
    if (found !== undefined) await this.#store.putBlob(mark);
    return found !== undefined;
  }
}

function markOf(tenant: string, content: string): string {
  const digest = createHash("sha256").update(content.trim()).digest("hex");
  return JSON.stringify({ tainted: digest, tenant });
}

import type { EventStore, JSONRPCMessage } from "@modelcontextprotocol/server";

/** What one session may be told again after its connection broke. */
const MESSAGES_MAX = 256;
const BYTES_MAX = 4 * 1_048_576;

/** The last messages of one session, so that a client whose stream broke goes on where it was. The oldest go first. */
export class SentMessages implements EventStore {
  readonly #kept: { readonly id: string; readonly streamId: string; readonly message: JSONRPCMessage; readonly bytes: number }[] = [];
  #bytes = 0;
  #count = 0;

  // The library asks for promises: other stores are elsewhere.
  async storeEvent(streamId: string, message: JSONRPCMessage): Promise<string> {
    this.#count += 1;
    const id = `${this.#count}`;
    const bytes = JSON.stringify(message).length;
    this.#kept.push({ id, streamId, message, bytes });
    this.#bytes += bytes;
    while (this.#kept.length > MESSAGES_MAX || (this.#bytes > BYTES_MAX && this.#kept.length > 1))
      this.#bytes -= this.#kept.shift()?.bytes ?? 0;
    return id;
  }

  async getStreamIdForEventId(eventId: string): Promise<string | undefined> {
    return this.#kept.find(({ id }) => id === eventId)?.streamId;
  }

  async replayEventsAfter(
    lastEventId: string,
    { send }: { readonly send: (eventId: string, message: JSONRPCMessage) => Promise<void> },
  ): Promise<string> {
    const place = this.#kept.findIndex(({ id }) => id === lastEventId);
    const streamId = this.#kept[place]?.streamId ?? "";
    // An empty message only gave the client a place to go on from.
    for (const { id, message, streamId: stream } of this.#kept.slice(place + 1))
      if (stream === streamId && Object.keys(message).length > 0) await send(id, message);
    return streamId;
  }
}

import { ReadBuffer, serializeMessage, type JSONRPCMessage, type Transport } from "@modelcontextprotocol/client";
import { MESSAGE_BYTES_MAX } from "./bounded-fetch.ts";
import type { Program } from "./program.ts";

const STOP_GRACE_MS = 2_000;

/** The protocol over the stdio of a program. */
export class ProgramTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  readonly #program: Program;
  readonly #buffer = new ReadBuffer({ maxBufferSize: MESSAGE_BYTES_MAX });
  #reading: Promise<void> | undefined;

  constructor(program: Program) {
    this.#program = program;
  }

  start(): Promise<void> {
    this.#reading ??= this.#read();
    return Promise.resolve();
  }

  async send(message: JSONRPCMessage): Promise<void> {
    await this.#program.write(serializeMessage(message));
  }

  async close(): Promise<void> {
    await this.#program.stop(STOP_GRACE_MS);
    await this.#reading;
  }

  async #read(): Promise<void> {
    try {
      for await (const chunk of this.#program.output) {
        this.#buffer.append(Buffer.from(chunk));
        this.#take();
      }
    } catch (error) {
      this.onerror?.(error instanceof Error ? error : new Error(String(error)));
      await this.#program.stop(0);
    }
    this.onclose?.();
  }

  #take(): void {
    for (let message = this.#next(); message !== null; message = this.#next()) this.onmessage?.(message);
  }

  /** A line that is no message is told and passed over: some programs print on stdout before they begin. */
  #next(): JSONRPCMessage | null {
    for (;;) {
      try {
        return this.#buffer.readMessage();
      } catch (error) {
        this.onerror?.(error instanceof Error ? error : new Error(String(error)));
      }
    }
  }
}

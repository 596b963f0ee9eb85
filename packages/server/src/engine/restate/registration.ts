import { connect } from "node:net";
import type { RestateClient } from "./client.ts";

/** How often a worker looks whether the others are still there. */
const LOOK_MS = 5000;
/** An address that does not take a connection for so long does not. */
const CONNECT_MS = 2000;
/** Looks in a row at which an address was silent before its runs are taken over. A refused connection is certain at once. */
const SILENT_MAX = 3;

type Answer = "taken" | "refused" | "silent";

/**
 * Where Restate finds this worker. Restate sends a run to the address at which it began, for ever; so when nobody listens there any more, one
 * of the workers that are left has Restate send those runs to itself. It may do so wrongly, when it is cut off from a worker that Restate
 * still reaches: then runs change workers, which they may at any time.
 */
export class Registration implements AsyncDisposable {
  /** Whether Restate knew of no worker before this one: then it knows of no runs. */
  readonly isFirst: boolean;
  readonly #client: RestateClient;
  readonly #uri: string;
  readonly #silent = new Map<string, number>();
  readonly #timer: NodeJS.Timeout;
  #looking: Promise<void> = Promise.resolve();

  /** Registers an address and takes over those that are gone. */
  static async open(client: RestateClient, uri: string): Promise<Registration> {
    const isFirst = (await client.deployments()).length === 0;
    await client.register(uri);
    const registration = new Registration({ client, uri, isFirst });
    // What is left from before can be looked at again; a cluster that has just been started may not be able to tell yet.
    await registration.#look().catch(() => undefined);
    await client.forgetUnused().catch(() => undefined);
    return registration;
  }

  private constructor(parts: { readonly client: RestateClient; readonly uri: string; readonly isFirst: boolean }) {
    this.#client = parts.client;
    this.#uri = parts.uri;
    this.isFirst = parts.isFirst;
    this.#timer = setInterval(() => {
      // A cluster that cannot be reached now is looked at again.
      this.#looking = this.#looking.then(() => this.#look()).catch(() => undefined);
    }, LOOK_MS);
    this.#timer.unref();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
  }

  async #look(): Promise<void> {
    const others = (await this.#client.deployments()).filter(({ uri }) => uri !== this.#uri);
    const gone: string[] = [];
    for (const { id, uri } of others) if (this.#isGone(id, await knock(new URL(uri)))) gone.push(id);
    for (const id of gone) await this.#client.moveDeployment(id, this.#uri);
    if (gone.length > 0) await this.#client.retryNow();
  }

  #isGone(id: string, answer: Answer): boolean {
    const silent = answer === "silent" ? (this.#silent.get(id) ?? 0) + 1 : 0;
    this.#silent.set(id, silent);
    return answer === "refused" || silent >= SILENT_MAX;
  }
}

function knock({ hostname, port, protocol }: URL): Promise<Answer> {
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port || (protocol === "https:" ? 443 : 80)) });
    const answer = (given: Answer): void => {
      socket.destroy();
      resolve(given);
    };
    socket.setTimeout(CONNECT_MS, () => answer("silent"));
    socket.once("connect", () => answer("taken"));
    socket.once("error", (error) => answer("code" in error && error.code === "ECONNREFUSED" ? "refused" : "silent"));
  });
}

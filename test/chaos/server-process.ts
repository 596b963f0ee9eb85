import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Json } from "@tutti/core";

/** An answer, or none because the server was killed before it. */
export interface Answer {
  readonly status: number;
  readonly body: Json;
}

/** A real server in a process of its own. */
export class ServerProcess {
  readonly #process: ChildProcess;
  readonly #url: string;
  readonly #token: string;
  readonly #killed = new AbortController();

  static async start(dataDir: string, effects: string): Promise<ServerProcess> {
    const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", join(import.meta.dirname, "server.ts"), dataDir], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, CHAOS_EFFECTS: effects },
    });
    const gone = once(child, "exit").then(([code]) => Promise.reject(new Error(`the server ended with ${code} before it was ready`)));
    const [line] = (await Promise.race([once(createInterface({ input: child.stdout }), "line"), gone])) as [string];
    gone.catch(() => undefined);
    return new ServerProcess(child, JSON.parse(line) as { readonly url: string; readonly token: string });
  }

  private constructor(child: ChildProcess, { url, token }: { readonly url: string; readonly token: string }) {
    this.#process = child;
    this.#url = url;
    this.#token = token;
  }

  async get(path: string): Promise<Answer | undefined> {
    return this.#ask(path, {});
  }

  async post(path: string, body: Json): Promise<Answer | undefined> {
    return this.#ask(path, { method: "POST", body: JSON.stringify(body) });
  }

  async kill(): Promise<void> {
    const gone = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    await gone;
    this.#killed.abort();
  }

  async #ask(path: string, init: RequestInit): Promise<Answer | undefined> {
    const headers = { authorization: `Bearer ${this.#token}`, "content-type": "application/json" };
    try {
      const response = await fetch(new URL(path, this.#url), { ...init, headers, signal: this.#killed.signal });
      return { status: response.status, body: (await response.json()) as Json };
    } catch {
      return undefined;
    }
  }
}

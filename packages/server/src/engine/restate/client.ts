import { randomUUID } from "node:crypto";
import { AppError } from "@tutti/core";
import type { Mail, Outcome } from "./batch.ts";
import type { Submission } from "./driver.ts";

/** How long one node of Restate gets to answer before the next is asked. Mail is answered when its run has done it. */
const SEND_TIMEOUT_MS = 10_000;
const POST_TIMEOUT_MS = 30_000;
/** Rounds over all nodes before Restate counts as away. */
const ROUNDS_MAX = 6;
const ROUND_DELAY_MS = 250;
/** Invocations woken at once. */
const WOKEN_AT_ONCE = 16;

/** What Restate calls the runs unless it is told otherwise. */
export const SERVICE = "tutti";

/** Where a Restate cluster is. Every node serves both APIs; those behind the first are asked when it does not answer. */
export interface RestateAddress {
  readonly urls: readonly string[];
  readonly adminUrls: readonly string[];
  /** The name under which Restate knows the runs, so that several Tuttis can share a cluster. */
  readonly service: string;
}

/** Talks to a Restate cluster over HTTP. Everything sent may be sent twice: keys and idempotency keys make it once. */
export class RestateClient {
  readonly #urls: readonly string[];
  readonly #adminUrls: readonly string[];
  readonly #service: string;

  constructor({ urls, adminUrls, service }: RestateAddress) {
    this.#urls = urls;
    this.#adminUrls = adminUrls;
    this.#service = service;
  }

  /** Makes a run durable in Restate. A run that is there already is left as it is. */
  async submit(runId: string, submission: Submission): Promise<void> {
    await this.#ask(this.#urls, {
      method: "POST",
      path: `/${this.#service}/${runId}/run/send`,
      body: submission,
      timeoutMs: SEND_TIMEOUT_MS,
    });
  }

  /** Brings a run mail and waits for what came of it. */
  async post(runId: string, mail: Mail): Promise<Outcome> {
    const path = `/${this.#service}/${runId}/post`;
    const headers = { "idempotency-key": randomUUID() };
    const request = { method: "POST", path, body: mail, headers, timeoutMs: POST_TIMEOUT_MS, isPatient: false } as const;
    return (await this.#ask(this.#urls, request)) as Outcome;
  }

  /** Has a run look whether it can go on. */
  async wake(runId: string): Promise<void> {
    await this.#ask(this.#urls, { method: "POST", path: `/${this.#service}/${runId}/wake/send`, timeoutMs: SEND_TIMEOUT_MS });
  }

  /** Tells Restate where this process serves runs. */
  async register(uri: string): Promise<void> {
    await this.#ask(this.#adminUrls, { method: "POST", path: "/deployments", body: { uri, force: true }, timeoutMs: SEND_TIMEOUT_MS });
  }

  /** The addresses at which runs are or were served. */
  async deployments(): Promise<readonly { readonly id: string; readonly uri: string }[]> {
    const { deployments } = (await this.#ask(this.#adminUrls, { method: "GET", path: "/deployments", timeoutMs: SEND_TIMEOUT_MS })) as {
      readonly deployments: readonly {
        readonly id: string;
        readonly uri?: string;
        readonly services: readonly { readonly name: string }[];
      }[];
    };
    return deployments.flatMap(({ id, uri, services }) =>
      uri !== undefined && services.some(({ name }) => name === this.#service) ? [{ id, uri }] : [],
    );
  }

  /** Sends the runs of an address that nobody serves any more to another. */
  async moveDeployment(id: string, uri: string): Promise<void> {
    await this.#ask(this.#adminUrls, { method: "PATCH", path: `/deployments/${id}`, body: { uri }, timeoutMs: SEND_TIMEOUT_MS });
  }

  /** Forgets the addresses that no run is bound to and no new run would be sent to. */
  async forgetUnused(): Promise<void> {
    const unfinished = `SELECT DISTINCT pinned_deployment_id AS id FROM sys_invocation WHERE target_service_name = '${this.#service}' AND status <> 'completed'`;
    const newest = `SELECT deployment_id AS id FROM sys_service WHERE name = '${this.#service}'`;
    const used = new Set([...(await this.#query(unfinished)), ...(await this.#query(newest))].map(({ id }) => id));
    for (const { id } of await this.deployments()) {
      if (used.has(id)) continue;
      await this.#ask(this.#adminUrls, { method: "DELETE", path: `/deployments/${id}?force=true`, timeoutMs: SEND_TIMEOUT_MS });
    }
  }

  /** Makes Restate try runs again now whose worker was away, instead of after their backoff. */
  async retryNow(): Promise<void> {
    const rows = await this.#query(
      `SELECT id FROM sys_invocation WHERE target_service_name = '${this.#service}' AND status IN ('backing-off', 'paused')`,
    );
    for (let at = 0; at < rows.length; at += WOKEN_AT_ONCE) {
      // One that went on by itself meanwhile is refused, and that is well.
      const path = (id: string): string => `/invocations/${id}/resume`;
      await Promise.all(
        rows
          .slice(at, at + WOKEN_AT_ONCE)
          .map(({ id }) =>
            this.#ask(this.#adminUrls, { method: "PATCH", path: path(id), timeoutMs: SEND_TIMEOUT_MS }).catch(() => undefined),
          ),
      );
    }
  }

  async #query(query: string): Promise<readonly { readonly id: string }[]> {
    const answer = await this.#ask(this.#adminUrls, { method: "POST", path: "/query", body: { query }, timeoutMs: SEND_TIMEOUT_MS });
    return (answer as { readonly rows: readonly { readonly id: string }[] }).rows;
  }

  async #ask(urls: readonly string[], request: Request): Promise<unknown> {
    let problem: unknown;
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      for (const url of urls) {
        const answer = await send(url, request).catch((error: unknown) => void (problem = error));
        if (problem instanceof Error && problem.name === "TimeoutError" && request.isPatient === false) throw late(request, problem);
        if (answer === undefined) continue;
        if (answer.status < 500 && answer.status !== 429) return parseAnswer(answer, request);
        problem = `${answer.status} ${answer.text}`;
      }
      await new Promise((resolve) => setTimeout(resolve, ROUND_DELAY_MS * (round + 1)));
    }
    throw new AppError("upstream", `wanted an answer from Restate at ${urls.join(", ")}, got ${String(problem)}; see that it runs`, {
      cause: problem,
    });
  }
}

interface Request {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  /** False for what has reached Restate when no answer comes in time: another node would have none either. */
  readonly isPatient?: boolean;
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

async function send(url: string, { method, path, body, headers, timeoutMs }: Request): Promise<Answer> {
  const response = await fetch(new URL(path, url), {
    method,
    headers: { accept: "application/json", ...headers, ...(body !== undefined && { "content-type": "application/json" }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(timeoutMs),
  });
  return { status: response.status, text: await response.text() };
}

function late({ path, timeoutMs }: Request, cause: Error): AppError {
  return new AppError(
    "timeout",
    `wanted an answer to ${path} within ${timeoutMs} ms, got none; it is done when a worker takes the run up`,
    { cause },
  );
}

function parseAnswer({ status, text }: Answer, { method, path }: Request): unknown {
  if (status >= 400) throw new AppError("upstream", `Restate refused ${method} ${path} with ${status}: ${text}`);
  return text === "" ? null : (JSON.parse(text) as unknown);
}

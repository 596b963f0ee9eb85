import { AppError } from "@tutti/core";
import robotsParser from "robots-parser";
import type { WebClient } from "../../net/index.ts";
import { textOf } from "./answer.ts";

/** The name under which sites may address Tutti in their robots.txt. */
export const ROBOT = "Tutti";

/** RFC 9309 §2.5: at least 500 KiB must be read. */
const BYTES_MAX = 512 * 1024;
const TIMEOUT_MS = 10_000;
/** RFC 9309 §2.3.1.2: at least five. */
const REDIRECTS_MAX = 5;
/** RFC 9309 §2.4: at most a day. What could not be read is asked again sooner. */
const KEPT_MS = 3_600_000;
const KEPT_UNREACHABLE_MS = 60_000;
const SITES_MAX = 500;

/** The package's types name its default export only, and it has none: its function is the module. */
const parseRobots = robotsParser as unknown as (
  url: string,
  text: string,
) => { isAllowed(url: string, robot: string): boolean | undefined };

type Rules =
  | { readonly type: "parsed"; readonly isAllowed: (url: string) => boolean }
  | { readonly type: "unreachable"; readonly why: string };

/** What sites say about robots (RFC 9309), kept for an hour. */
export class RobotsRules {
  readonly #client: WebClient;
  readonly #sites = new Map<string, { readonly rules: Promise<Rules>; readonly untilMs: () => number }>();

  constructor(client: WebClient) {
    this.#client = client;
  }

  /** Throws `denied` for a page that its site does not want robots to read, or of which nobody can say. */
  async require(url: URL, signal: AbortSignal): Promise<void> {
    const rules = await this.#rules(url, signal);
    if (rules.type === "unreachable")
      throw new AppError("denied", `${url.host} may not be read: its robots.txt cannot be (${rules.why}), which counts as no (RFC 9309)`);
    if (!rules.isAllowed(url.href))
      throw new AppError(
        "denied",
        `${url.host} asks robots not to read ${url.pathname} (robots.txt); read it in a browser, or ask the site`,
      );
  }

  #rules(url: URL, signal: AbortSignal): Promise<Rules> {
    const kept = this.#sites.get(url.origin);
    if (kept !== undefined && kept.untilMs() > Date.now()) return kept.rules;
    let untilMs = Number.POSITIVE_INFINITY;
    const rules = this.#read(new URL("/robots.txt", url), signal).then(
      (read) => {
        untilMs = Date.now() + (read.type === "parsed" ? KEPT_MS : KEPT_UNREACHABLE_MS);
        return read;
      },
      (error: unknown) => {
        // Whoever asked has left: that says nothing about the site.
        untilMs = 0;
        throw error;
      },
    );
    this.#sites.delete(url.origin);
    this.#sites.set(url.origin, { rules, untilMs: () => untilMs });
    const [oldest] = this.#sites.keys();
    if (this.#sites.size > SITES_MAX && oldest !== undefined) this.#sites.delete(oldest);
    return rules;
  }

  async #read(url: URL, signal: AbortSignal): Promise<Rules> {
    const asked = { url, method: "GET", bytesMax: BYTES_MAX, timeoutMs: TIMEOUT_MS, redirectsMax: REDIRECTS_MAX };
    try {
      const answer = await this.#client.send(asked, signal);
      if (answer.status >= 500) return { type: "unreachable", why: `status ${answer.status}` };
      // RFC 9309 §2.3.1.3: a site without the file has no rules.
      const robots = parseRobots(url.href, answer.status >= 200 && answer.status < 300 ? textOf(answer) : "");
      return { type: "parsed", isAllowed: (page) => robots.isAllowed(page, ROBOT) !== false };
    } catch (error) {
      signal.throwIfAborted();
      const { code, message } = AppError.from(error);
      // The address was refused, not the file.
      if (code === "denied") throw error;
      return { type: "unreachable", why: message };
    }
  }
}

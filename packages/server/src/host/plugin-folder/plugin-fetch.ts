import { isIP } from "node:net";
import { AppError } from "@tutti/core";
import type { PluginResponse } from "@tutti/core/plugin";
import { hostOf, WebClient } from "../../net/index.ts";

const TIMEOUT_MS = 30_000;
/** In base64 it still fits one message to the plugin. */
const BODY_BYTES_MAX = 524_288;
const REDIRECTS_MAX = 5;
/** Credentials are for the host they were given for. */
const CREDENTIALS = new Set(["authorization", "cookie", "proxy-authorization", "x-api-key"]);
const TEXT = /^(?:text\/|application\/(?:[\w.+-]*\+)?(?:json|xml|javascript|x-www-form-urlencoded|yaml))/i;

interface Outgoing {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
}

/**
 * Requests of one plugin, to the hosts it was granted only, redirects included. A host by name must have a public address; private ones are
 * reached only where the grant names the address, or localhost, itself.
 */
export class PluginFetch implements AsyncDisposable {
  readonly #name: string;
  readonly #hosts: readonly string[];
  readonly #web: WebClient;

  constructor(name: string, hosts: readonly string[]) {
    this.#name = name;
    this.#hosts = hosts.map((host) => host.toLowerCase());
    this.#web = new WebClient({
      isPrivateAllowed: (host) =>
        (isIP(host) !== 0 || host === "localhost") && this.#hosts.some((granted) => granted === host || granted.startsWith(`${host}:`)),
      advice: "a manifest reaches one only by naming the address itself",
    });
  }

  async send({ url, method, headers, body }: Outgoing, signal: AbortSignal): Promise<PluginResponse> {
    const [open, secret] = parted(headers);
    const answer = await this.#web.send(
      {
        url: new URL(url),
        method,
        headers: open,
        credentials: secret,
        body,
        bytesMax: BODY_BYTES_MAX,
        timeoutMs: TIMEOUT_MS,
        redirectsMax: REDIRECTS_MAX,
        admit: (target) => this.#requireGranted(target),
      },
      signal,
    );
    const isText = answer.body.length === 0 || TEXT.test(answer.headers["content-type"] ?? "");
    return { status: answer.status, headers: answer.headers, body: answer.body.toString(isText ? "utf8" : "base64"), isBase64: !isText };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#web[Symbol.asyncDispose]();
  }

  #requireGranted(url: URL): void {
    const host = hostOf(url).toLowerCase();
    const withPort = url.port === "" ? host : `${host}:${url.port}`;
    if (this.#hosts.some((granted) => (granted.startsWith("*.") ? withPort.endsWith(granted.slice(1)) : granted === withPort))) return;
    throw new AppError(
      "denied",
      `the plugin ${this.#name} may not reach ${withPort}: its manifest names ${this.#hosts.join(", ") || "no hosts"} in permissions.network`,
    );
  }
}

function parted(headers: Readonly<Record<string, string>>): readonly [Readonly<Record<string, string>>, Readonly<Record<string, string>>] {
  const entries = Object.entries(headers);
  const isSecret = ([name]: readonly [string, string]): boolean => CREDENTIALS.has(name.toLowerCase());
  return [Object.fromEntries(entries.filter((entry) => !isSecret(entry))), Object.fromEntries(entries.filter(isSecret))];
}

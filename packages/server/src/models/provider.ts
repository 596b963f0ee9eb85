/** A server of models that speaks OpenAI's protocol, as data. `baseUrl` is what stands before `/chat/completions`. */
export interface Provider {
  readonly name: string;
  readonly baseUrl: string;
  readonly apiKey?: string | undefined;
  /** The models it is known to serve; it may serve more. */
  readonly models: readonly string[];
  /** Sent with every request, in place of what the client sent under the same name. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly timeouts?: Partial<Timeouts> | undefined;
}

/** How long an upstream may take to accept a connection, to begin its answer, and between two pieces of it. */
export interface Timeouts {
  readonly connectMs: number;
  readonly firstByteMs: number;
  readonly idleMs: number;
}

/** Reasoning models think for minutes before their first byte, so only the connection is expected to be fast. */
const TIMEOUTS: Timeouts = { connectMs: 5_000, firstByteMs: 300_000, idleMs: 120_000 };

/** A provider's timeouts, with the defaults for what it leaves out. */
export function timeoutsOf(provider: Provider): Timeouts {
  return { ...TIMEOUTS, ...provider.timeouts };
}

import type { Surface } from "@tutti/core/wire";

export type { Surface };

/** A server of models, as data. `baseUrl` is what stands before `/chat/completions`. */
export interface Provider {
  readonly name: string;
  /** Which file of `providers/` speaks to it. Left out: "openai-compatible". */
  readonly kind?: string | undefined;
  /** Left out: the kind's own. Models in this process have none. */
  readonly baseUrl?: string | undefined;
  readonly apiKey?: string | undefined;
  /** The models it is known to serve; it may serve more. */
  readonly models: readonly string[];
  /** Sent with every request, in place of what the client sent under the same name. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly timeouts?: { readonly [Name in keyof Timeouts]?: number | undefined } | undefined;
  /** What it speaks itself, where that is not what its kind speaks. */
  readonly surfaces?: readonly Surface[] | undefined;
  /** What else its kind wants to know: Azure's API version, the folder of GGUF files. */
  readonly options?: Readonly<Record<string, string | number | boolean>> | undefined;
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
  const { connectMs, firstByteMs, idleMs } = provider.timeouts ?? {};
  return {
    connectMs: connectMs ?? TIMEOUTS.connectMs,
    firstByteMs: firstByteMs ?? TIMEOUTS.firstByteMs,
    idleMs: idleMs ?? TIMEOUTS.idleMs,
  };
}

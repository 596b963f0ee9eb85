import {
  ClientCredentialsProvider,
  StreamableHTTPClientTransport,
  type AuthProvider,
  type OAuthClientProvider,
  type Transport,
} from "@modelcontextprotocol/client";
import { getDefaultEnvironment, StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { AppError } from "@tutti/core";
import type { Jail, JailSpec } from "@tutti/core/sandbox";
import { boundedFetch, MESSAGE_BYTES_MAX } from "./bounded-fetch.ts";
import { JailTransport } from "./jail-transport.ts";
import type { HttpAuth, Reach, ServerSpec } from "./server-spec.ts";

/** Starts a program in a jail; throws `unsupported` where there is no sandbox that has them. */
type OpenJail = (spec: JailSpec, signal: AbortSignal) => Promise<Jail>;

/** What transports need of the host. */
export interface TransportParts {
  readonly openJail: OpenJail;
  /** The login of a server that asks for one. */
  readonly login: (auth: HttpAuth & { readonly type: "oauth" }) => OAuthClientProvider;
  readonly onStderr: (text: string) => void;
}

const STDERR_CHARACTERS_MAX = 2_000;

/** A way to a server that nobody has spoken on yet. */
export async function openTransport(spec: ServerSpec, parts: TransportParts, signal: AbortSignal): Promise<Transport> {
  const { reach } = spec;
  if (reach.type === "http") {
    const authProvider = authOf(reach.auth, parts);
    return new StreamableHTTPClientTransport(new URL(reach.url), {
      fetch: boundedFetch,
      ...(authProvider !== undefined && { authProvider }),
    });
  }
  return reach.isolation === "jail" ? openInJail(spec, { reach, parts }, signal) : openProcess(reach, parts);
}

type Program = Reach & { readonly type: "stdio" };

async function openInJail(
  { name, idleTimeoutMs }: ServerSpec,
  { reach, parts }: { readonly reach: Program; readonly parts: TransportParts },
  signal: AbortSignal,
): Promise<Transport> {
  const jail = await parts
    .openJail(
      {
        command: reach.command,
        args: reach.args,
        env: reach.env,
        mounts: reach.mounts.map(({ path, isWritable }) => ({ from: path, to: path, isWritable })),
        // The connection is closed before: this only ends what is left over.
        idleTimeoutMs: idleTimeoutMs * 2,
      },
      signal,
    )
    .catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      throw new AppError(
        "unsupported",
        `wanted a sandbox with jails for the MCP server "${name}", got none: ${why}. \`tutti sandbox doctor\` says how to get one; \`isolation: process\` lets the server do all that you may`,
        { cause: error },
      );
    });
  return new JailTransport(jail);
}

/** With the few variables that programs need to be found, and those given; not with Tutti's own, where secrets are. */
function openProcess({ command, args, env, cwd }: Program, { onStderr }: TransportParts): Transport {
  const transport = new StdioClientTransport({
    command,
    args: [...args],
    cwd,
    env: { ...getDefaultEnvironment(), ...env },
    stderr: "pipe",
    maxBufferSize: MESSAGE_BYTES_MAX,
  });
  transport.stderr?.on("data", (chunk: Buffer) => onStderr(chunk.toString("utf8").slice(0, STDERR_CHARACTERS_MAX)));
  return transport;
}

function authOf(auth: HttpAuth, parts: TransportParts): AuthProvider | OAuthClientProvider | undefined {
  switch (auth.type) {
    case "none":
      return undefined;
    case "bearer":
      return { token: () => Promise.resolve(auth.token) };
    case "client-credentials":
      return new ClientCredentialsProvider({
        clientId: auth.clientId,
        clientSecret: auth.clientSecret,
        expectedIssuer: auth.issuer,
        ...(auth.scope !== undefined && { scope: auth.scope }),
      });
    case "oauth":
      return parts.login(auth);
  }
}

import {
  ClientCredentialsProvider,
  StreamableHTTPClientTransport,
  type AuthProvider,
  type OAuthClientProvider,
  type Transport,
} from "@modelcontextprotocol/client";
import { basename } from "node:path";
import { getDefaultEnvironment } from "@modelcontextprotocol/client/stdio";
import { AppError } from "@tutti/core";
import type { Jail, JailSpec } from "@tutti/core/sandbox";
import { boundedFetch } from "./bounded-fetch.ts";
import { ProgramTransport } from "./program-transport.ts";
import { endingOf, startProgram, type Program } from "./program.ts";
import type { HttpAuth, Place, Reach, ServerSpec } from "./server-spec.ts";

/** Starts a program in a jail; throws `unsupported` where there is no sandbox that has them. */
type OpenJail = (spec: JailSpec, signal: AbortSignal) => Promise<Jail>;

/** What transports need of the host. */
export interface TransportParts {
  readonly openJail: OpenJail;
  /** The login of a server that asks for one. */
  readonly login: (auth: HttpAuth & { readonly type: "oauth" }) => OAuthClientProvider;
  readonly onStderr: (text: string) => void;
}

/** Programs that fetch the program they run. */
const FETCHERS: ReadonlySet<string> = new Set(["npx", "pnpx", "bunx", "uvx", "pipx"]);

/** A way to a server that nobody has spoken on yet. */
export interface OpenedTransport {
  readonly transport: Transport;
  /** How its program ended, when it did. */
  readonly ending: () => Promise<string | undefined>;
}

/** Opens it; starts its program, if it is one. */
export async function openTransport(spec: ServerSpec, parts: TransportParts, signal: AbortSignal): Promise<OpenedTransport> {
  const { reach } = spec;
  if (reach.type === "http") {
    const authProvider = authOf(reach.auth, parts);
    const transport = new StreamableHTTPClientTransport(new URL(reach.url), {
      fetch: boundedFetch,
      ...(authProvider !== undefined && { authProvider }),
    });
    return { transport, ending: () => Promise.resolve(undefined) };
  }
  const { place } = reach;
  const program = place.type === "jail" ? await openInJail(spec, { reach, place, parts }, signal) : openProcess(reach, place.cwd, parts);
  return { transport: new ProgramTransport(program), ending: () => endingOf(program) };
}

type Stdio = Reach & { readonly type: "stdio" };
type JailPlace = Place & { readonly type: "jail" };

async function openInJail(
  { name, idleTimeoutMs }: ServerSpec,
  { reach, place, parts }: { readonly reach: Stdio; readonly place: JailPlace; readonly parts: TransportParts },
  signal: AbortSignal,
): Promise<Program> {
  const fetcher = basename(reach.command);
  if (FETCHERS.has(fetcher))
    throw new AppError(
      "unsupported",
      `wanted a program for the MCP server "${name}" that is installed, got ${fetcher}, which fetches it, and a jail has no network; install it, mount its folder and give node and its file (docs/mcp.md), or say \`isolation: process\`, with which it may do all that you may`,
    );
  return parts
    .openJail(
      {
        command: reach.command,
        args: reach.args,
        env: reach.env,
        mounts: place.mounts.map(({ path, isWritable }) => ({ from: path, to: path, isWritable })),
        ...(place.cwd !== undefined && { cwd: place.cwd }),
        ...place.bounds,
        // The connection is closed before: this only ends what is left over.
        idleTimeoutMs: idleTimeoutMs * 2,
      },
      signal,
    )
    .catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      throw new AppError(
        "unsupported",
        `wanted a jail for the MCP server "${name}", got none: ${why}. \`tutti sandbox doctor\` says how to get one; \`isolation: process\` lets the server do all that you may`,
        { cause: error },
      );
    });
}

/** With the few variables that programs need to be found, and those given; not with Tutti's own, where secrets are. */
function openProcess({ command, args, env }: Stdio, cwd: string, { onStderr }: TransportParts): Program {
  return startProgram({ command, args, cwd, env: { ...getDefaultEnvironment(), ...env } }, onStderr);
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

import { AppError } from "@tutti/core";
import type { SandboxPromise, SandboxResult } from "@tutti/core/sandbox";
import { Pool } from "undici";
import type { z } from "zod";
import type { BackendOptions, OpenBackend, Program, SandboxBackendFactory } from "../backend.ts";
import { fileName } from "../shared/program.ts";
import { remoteAboutSchema, REMOTE_PATH, remoteResultSchema } from "./protocol.ts";

const OPEN_TIMEOUT_MS = 10_000;
const CONNECTIONS_MAX = 64;
/** Of the answer beside the outputs and files themselves. */
const MARGIN_BYTES = 1_048_576;
/** JSON may write a byte of output as six characters, base64 three bytes as four. */
const TEXT_FACTOR = 6;
const BASE64_FACTOR = 4 / 3;
/** What the way there and back may take beside the program. */
const MARGIN_MS = 10_000;

/** Programs on another machine, each in a machine of its own there; docs/sandbox-remote.md says how it is spoken to. */
export const remoteBackend: SandboxBackendFactory = {
  name: "remote",
  level: "strangers",
  howToGet: "run a sandbox server that speaks docs/sandbox-remote.md and name its URL",
  open,
};

async function open({ remoteUrl }: BackendOptions, signal: AbortSignal): Promise<OpenBackend> {
  if (remoteUrl === undefined) throw new AppError("unsupported", "wanted the URL of a remote sandbox, got none; name one");
  const url = new URL(remoteUrl);
  const pool = new Pool(url.origin, { connections: CONNECTIONS_MAX, headersTimeout: 0, bodyTimeout: 0 });
  const prefix = `${url.pathname.replace(/\/$/, "")}${REMOTE_PATH}`;
  const authorization = url.password === "" ? {} : { authorization: `Bearer ${decodeURIComponent(url.password)}` };
  const remote: Remote = { pool, prefix, headers: { "content-type": "application/json", ...authorization } };
  try {
    const asking = AbortSignal.any([signal, AbortSignal.timeout(OPEN_TIMEOUT_MS)]);
    const about = await ask(remote, { method: "GET", path: "", bytesMax: MARGIN_BYTES, schema: remoteAboutSchema }, asking);
    return {
      level: "strangers",
      languages: about.languages,
      means: meansOf(about.means),
      run: (program, running) => runRemote(remote, program, running),
      close: () => pool.destroy(),
    };
  } catch (error) {
    await pool.destroy();
    throw error;
  }
}

interface Remote {
  readonly pool: Pool;
  readonly prefix: string;
  readonly headers: Readonly<Record<string, string>>;
}

interface RemoteCall<T extends z.ZodType> {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body?: unknown;
  readonly bytesMax: number;
  readonly schema: T;
}

async function runRemote(
  remote: Remote,
  { limits, files, entry, language, stdin, own }: Program,
  signal: AbortSignal,
): Promise<SandboxResult> {
  const encoded = [...files].map(([name, content]) => [name, Buffer.from(content).toString("base64")] as const);
  const body = { language, entry, files: Object.fromEntries(encoded), stdin, limits };
  const bytesMax = Math.ceil(MARGIN_BYTES + 2 * TEXT_FACTOR * limits.outputBytes + BASE64_FACTOR * limits.diskBytes);
  const withinMs = limits.startTimeoutMs + limits.runTimeoutMs + MARGIN_MS;
  try {
    const call = { method: "POST", path: "/run", body, bytesMax, schema: remoteResultSchema } as const;
    const { files: returned, hint, ...result } = await ask(remote, call, AbortSignal.any([signal, AbortSignal.timeout(withinMs)]));
    const back = Object.create(null) as Record<string, Uint8Array>;
    for (const [name, base64] of Object.entries(returned)) {
      const content = Buffer.from(base64, "base64");
      const isUnchanged = own.has(name) && content.equals(files.get(name) ?? Buffer.alloc(0));
      // Another machine's word is not taken for where a file may stand.
      if (!isUnchanged) back[fileName(name)] = content;
    }
    return { ...result, files: back, backend: "remote", ...(hint === undefined ? {} : { hint }) };
  } catch (error) {
    if (signal.aborted) throw new AppError("cancelled", "the program's run was cancelled", { cause: error });
    return failure(AppError.from(error).message);
  }
}

async function ask<T extends z.ZodType>({ pool, prefix, headers }: Remote, call: RemoteCall<T>, signal: AbortSignal): Promise<z.infer<T>> {
  const path = `${prefix}${call.path}`;
  const body = call.body === undefined ? null : JSON.stringify(call.body);
  const answer = await pool.request({ method: call.method, path, headers, body, signal }).catch((cause: unknown) => {
    signal.throwIfAborted();
    throw new AppError("upstream", `wanted an answer of the remote sandbox, got ${String(cause)}; is it running?`, { cause });
  });
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer.body) {
    chunks.push(Buffer.from(chunk as Uint8Array));
    size += (chunk as Uint8Array).byteLength;
    if (size > call.bytesMax) throw new AppError("upstream", `wanted at most ${call.bytesMax} bytes of the remote sandbox, got more`);
  }
  const text = Buffer.concat(chunks).toString("utf8");
  if (answer.statusCode !== 200)
    throw new AppError("upstream", `wanted status 200 of the remote sandbox for ${path}, got ${answer.statusCode}: ${text.slice(0, 300)}`);
  try {
    return call.schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new AppError("upstream", `wanted an answer as docs/sandbox-remote.md has it from the remote sandbox, got ${text.slice(0, 300)}`, {
      cause,
    });
  }
}

function failure(message: string): SandboxResult {
  return {
    reason: "infra",
    exitCode: null,
    signal: null,
    hint: { errno: "EIO", message },
    stdout: "",
    stderr: "",
    truncated: { stdout: false, stderr: false, files: false },
    files: {},
    usage: { startMs: 0, wallMs: 0, cpuMs: 0, memoryPeakBytes: 0 },
    backend: "remote",
  };
}

function meansOf(means: string): Readonly<Record<SandboxPromise["name"], string>> {
  const there = `${means}, on another machine`;
  return {
    "no-network": there,
    "no-host-files": there,
    time: there,
    memory: there,
    processes: there,
    cpu: there,
    output: there,
    "no-survivors": there,
    "clean-environment": there,
    "safe-files": `${there}; names are checked as they come back`,
  };
}

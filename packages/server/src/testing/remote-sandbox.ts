import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Sandbox } from "@tutti/core/sandbox";
import { REMOTE_PATH, remoteRunSchema } from "../sandbox/index.ts";

/** A stand-in for a remote sandbox: it speaks its protocol strictly, and runs programs in a sandbox of this machine. */
export interface RemoteSandboxServer extends AsyncDisposable {
  readonly url: string;
  /** What it answers next instead of the truth. */
  answerNext(answer: { readonly status: number; readonly text: string }): void;
}

/** Starts it on loopback; who asks without the token gets 401. */
export async function startRemoteSandbox(sandbox: Sandbox, token: string): Promise<RemoteSandboxServer> {
  const answers: { readonly status: number; readonly text: string }[] = [];
  const server = createServer((request, response) => {
    const ending = new AbortController();
    response.once("close", () => ending.abort());
    answer(sandbox, { request, token, canned: answers.shift() }, ending.signal).then(
      ({ status, text }) => send(response, status, text),
      (error: unknown) => send(response, 400, String(error)),
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://tutti:${token}@127.0.0.1:${port}`,
    answerNext: (next) => void answers.push(next),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

interface Asked {
  readonly request: IncomingMessage;
  readonly token: string;
  readonly canned: { readonly status: number; readonly text: string } | undefined;
}

async function answer(
  sandbox: Sandbox,
  { request, token, canned }: Asked,
  signal: AbortSignal,
): Promise<{ readonly status: number; readonly text: string }> {
  if (request.headers.authorization !== `Bearer ${token}`) return { status: 401, text: "wanted a bearer token" };
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  if (canned !== undefined) return canned;
  if (request.method === "GET" && request.url === REMOTE_PATH)
    return { status: 200, text: JSON.stringify({ protocol: 1, means: "a stand-in", languages: sandbox.report.languages }) };
  if (request.method !== "POST" || request.url !== `${REMOTE_PATH}/run`) return { status: 404, text: "no such path" };
  const { entry, files, language, stdin, limits } = remoteRunSchema.parse(JSON.parse(Buffer.concat(chunks).toString("utf8")));
  const contents = new Map(Object.entries(files).map(([name, base64]) => [name, Buffer.from(base64, "base64")]));
  const code = contents.get(entry)?.toString("utf8") ?? "";
  contents.delete(entry);
  const { backend: _, ...result } = await sandbox.run({ language, code, files: Object.fromEntries(contents), stdin, limits }, signal);
  const encoded = Object.entries(result.files).map(([name, bytes]) => [name, Buffer.from(bytes).toString("base64")]);
  return { status: 200, text: JSON.stringify({ ...result, files: Object.fromEntries(encoded) as unknown }) };
}

function send(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "content-type": "application/json" }).end(text);
}

/**
 * Tutti's MCP client as the official conformance suite drives it: it is started with the server's address, and the scenario's name stands in
 * the environment. Connections, logins and questions are those that Tutti uses; only the person at the browser is played here.
 */
import type { Json } from "@tutti/core";
import { Connection, type ServerAsks } from "../../packages/server/src/mcp/connection.ts";
import { finishLogin, StoredOAuth } from "../../packages/server/src/mcp/stored-oauth.ts";
import type { HttpAuth, ServerSpec } from "../../packages/server/src/mcp/server-spec.ts";

const url = process.argv.at(-1) ?? "";
const scenario = process.env["MCP_CONFORMANCE_SCENARIO"] ?? "";
const revision = process.env["MCP_CONFORMANCE_PROTOCOL_VERSION"];
const given = JSON.parse(process.env["MCP_CONFORMANCE_CONTEXT"] ?? "{}") as {
  readonly client_id?: string;
  readonly client_secret?: string;
  readonly toolCalls?: readonly { readonly name: string; readonly arguments: Readonly<Record<string, unknown>> }[];
};
/** Where the suite's scenario on client metadata documents looks for one. */
const CLIENT_METADATA_URL = "https://conformance-test.local/client-metadata.json";
/** The suite starts all its clients at once and ends each one itself: none of them may give up before it for want of a processor. */
const TIMEOUT_MS = 200_000;
const LOGINS_MAX = 3;

const auth: HttpAuth & { readonly type: "oauth" } = {
  type: "oauth",
  redirectUrl: "http://localhost:3000/callback",
  clientId: scenario === "auth/pre-registration" ? given.client_id : undefined,
  clientSecret: scenario === "auth/pre-registration" ? given.client_secret : undefined,
};

const spec: ServerSpec = {
  name: "suite",
  reach: { type: "http", url, auth },
  effects: {},
  isTrusted: false,
  canSample: false,
  roots: [],
  callTimeoutMs: TIMEOUT_MS,
  connectTimeoutMs: TIMEOUT_MS,
  idleTimeoutMs: TIMEOUT_MS,
  requestsPerSecond: 100,
  startsPerHourMax: 60,
  parallelMax: 4,
};

const asks: ServerAsks = {
  // What "approve" sends: the form's own defaults, which the library fills in.
  question: async ({ schema }) => ({ action: "accept", content: JSON.stringify(schema).includes("confirmed") ? { confirmed: true } : {} }),
  onListChanged: () => undefined,
  onClosed: () => undefined,
  onLog: (message) => void process.stderr.write(`${message}\n`),
};

let kept: Json | undefined;
let page: URL | undefined;
const oauth = new StoredOAuth(
  auth,
  {
    load: async () => kept,
    save: async (value) => {
      kept = value;
    },
  },
  { onLogin: (login) => (page = login), clientMetadataUrl: CLIENT_METADATA_URL },
);

/** Does something, and logs in as often as the server asks for it. */
async function loggedIn<T>(work: () => Promise<T>): Promise<T> {
  for (let logins = 0; ; logins += 1) {
    try {
      return await work();
    } catch (error) {
      if (page === undefined || logins >= LOGINS_MAX) throw error;
      const answer = await fetch(page, { redirect: "manual" });
      page = undefined;
      await finishLogin(oauth, { url, query: new URL(answer.headers.get("location") ?? "").searchParams });
    }
  }
}

/**
 * Some of the suite's servers answer nothing that greets, because their scenario begins later: the greeting is answered here, and all else
 * goes to them.
 */
const UNGREETED = new Set(["http-standard-headers", "http-custom-headers", "http-invalid-tool-headers", "sep-2322-client-request-state"]);
if (UNGREETED.has(scenario)) {
  const send = globalThis.fetch;
  globalThis.fetch = async (input, init) => {
    const message = typeof init?.body === "string" ? (JSON.parse(init.body) as { readonly method?: string; readonly id?: unknown }) : {};
    if (message.method !== "server/discover") return send(input, init);
    const result = {
      supportedVersions: ["2026-07-28"],
      capabilities: { tools: {}, resources: {}, prompts: {} },
      _meta: { "io.modelcontextprotocol/serverInfo": { name: "suite", version: "1" } },
    };
    return Response.json({ jsonrpc: "2.0", id: message.id, result });
  };
}

const parts = { openJail: () => Promise.reject(new Error("no jails here")), login: () => oauth, onStderr: () => undefined };
const never = new AbortController().signal;
const open = (): Promise<Connection> => Connection.open(spec, { asks, parts }, never);
const call = (connection: Connection, name: string, args: Readonly<Record<string, unknown>>) =>
  connection.call(name, args, { signal: never, timeoutMs: TIMEOUT_MS, onProgress: () => undefined });

/** What a scenario has the client call; without a word of it, every tool with what it needs. */
async function callTools(connection: Connection, names: readonly string[]): Promise<void> {
  if (given.toolCalls !== undefined) {
    for (const { name, arguments: args } of given.toolCalls) await call(connection, name, args);
    return;
  }
  const chosen =
    scenario === "sep-2322-client-request-state"
      ? ["test_mrtr_echo_state", "test_mrtr_no_state", "test_mrtr_unrelated", "test_mrtr_no_result_type"]
      : names;
  for (const name of chosen) {
    const args = name === "add_numbers" ? { a: 5, b: 3 } : scenario === "http-invalid-tool-headers" ? { region: "us-west1" } : {};
    const called = loggedIn(() => call(connection, name, args));
    // The suite's server breaks the rules there, and wants to see that nothing more is sent.
    await (name === "test_mrtr_no_result_type" ? called.catch(() => undefined) : called);
  }
}

const connection = await loggedIn(open);
const tools = await loggedIn(() => connection.tools(never));
await callTools(
  connection,
  tools.map(({ name }) => name),
);
if (scenario === "http-standard-headers") {
  for (const { uri } of await connection.resources(never)) await connection.read(uri, never);
  const { client } = connection;
  const { prompts } = await client.listPrompts();
  for (const { name } of prompts) await client.getPrompt({ name });
}
await connection[Symbol.asyncDispose]();
process.stderr.write(`done in ${revision ?? "whatever was agreed"}\n`);

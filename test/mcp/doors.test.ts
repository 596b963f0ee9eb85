import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile, readdir, readlink, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import type { Json } from "@tutti/core";
import { openWorkplace, type Started } from "../../packages/server/src/cli/testing/tutti-process.ts";
import { startOpenAiUpstream } from "../../packages/server/src/testing/openai-upstream.ts";
import { startTestApp, type TestApp } from "../../packages/server/src/testing.ts";

interface Answer {
  readonly status?: number;
  readonly text?: string;
  readonly runId?: string | null;
  readonly connected?: boolean;
}

const PROGRAM = await readFile(new URL("jailed-asker.py", import.meta.url), "utf8");
const ASKER = { name: "asker", command: "python3", args: ["-c", PROGRAM] };
const chat = (model: string): Json => ({ model, messages: [{ role: "user", content: "hello" }] });
const post = (path: string, body: Json): { readonly [key: string]: Json } => ({ method: "POST", path, body });
const get = (path: string): { readonly [key: string]: Json } => ({ method: "GET", path });

async function add(app: TestApp, setting: Json): Promise<void> {
  const added = await app.fetch("/v1/mcp/servers", setting);
  assert.equal(added.status, 201, await added.clone().text());
  const approved = await app.fetch("/v1/mcp/servers/asker/approve", {});
  assert.equal(approved.status, 200, await approved.clone().text());
}

/** What the program in the jail is answered. */
async function asked(
  app: TestApp,
  requests: readonly Json[],
): Promise<{ readonly socket: string; readonly environment: readonly string[]; readonly answers: readonly Answer[] }> {
  const response = await app.fetch("/v1/tools/execute", { tool: "asker_ask", input: { requests } });
  const body = (await response.json()) as { readonly output: unknown };
  assert.equal(response.status, 200, JSON.stringify(body));
  const text = textIn(body.output);
  return JSON.parse(text) as Awaited<ReturnType<typeof asked>>;
}

/** Where a tool gives its text differs with the shape of its result. */
function textIn(value: unknown): string {
  if (typeof value === "string") return value;
  const found = Object.values(value as object).find(
    (part) => typeof part === "object" || (typeof part === "string" && part.startsWith("{")),
  );
  return textIn(found ?? "");
}

async function socketsOf(dataDir: string): Promise<readonly string[]> {
  const dir = join(dataDir, "doors");
  return Promise.all((await readdir(dir)).map(async (name) => join(await readlink(join(dir, name)), "s")));
}

test("a jailed program uses the models and tools that it is let, through its own socket and in its own name, and nothing else", async () => {
  await using upstream = await startOpenAiUpstream(undefined, { models: ["small", "dear"] });
  await using place = await openWorkplace({
    "policy.yaml": `version: 1
rules:
  - id: the-asker-may-echo
    effect: allow
    reason: it only says what it is told
    match: { tool: echo }
    when: { principal: { id: "jail:mcp:asker" } }
`,
  });
  await using app = await startTestApp({
    sandbox: ["bubblewrap"],
    sandboxLevel: "soft",
    toolsAllow: ["asker_ask", "summarize_text"],
    toolPolicyPath: join(place.dir, "policy.yaml"),
    providers: [{ name: "p", baseUrl: upstream.baseUrl, models: ["small", "dear"] }],
  });
  await add(app, { ...ASKER, door: { models: ["sm*"], tools: ["safe_calc"] } });
  const port = Number(new URL(app.url).port);
  const owner = { authorization: `Bearer ${app.token}` };
  const calculate = { tool: "safe_calc", input: { expression: "6 * 7" } };
  const { answers, socket, environment } = await asked(app, [
    get("/v1/models"),
    post("/v1/chat/completions", chat("small")),
    { ...post("/v1/chat/completions", chat("dear")), headers: owner },
    post("/v1/tools/execute", calculate),
    post("/v1/tools/execute", { tool: "echo", input: { text: "hi" } }),
    post("/v1/tools/execute", { tool: "summarize_text", input: { text: "hi" } }),
    { ...get("/v1/keys"), headers: owner },
    get("/v1/runs"),
    get("/health"),
    { ...post("/v1/chat/completions/../../keys", {}), headers: owner },
    post("/mcp", {}),
    { tcp: port },
    get("/v1/tools"),
    post("/v1/chat/completions", chat("holly")),
    { ...get("/v1/responses"), headers: { connection: "Upgrade", upgrade: "websocket" } },
  ]);
  assert.equal(socket, "/run/tutti.sock");
  assert.ok(!environment.some((name) => /TOKEN|KEY|SECRET/.test(name)), environment.join());
  assert.deepEqual(
    answers.map(({ status, connected }) => status ?? connected),
    [200, 200, 403, 200, 200, 403, 403, 403, 403, 403, 403, false, 200, 403, 403],
    JSON.stringify(answers),
  );
  const models = JSON.parse(answers[0]?.text ?? "") as { readonly data: readonly { readonly id: string }[] };
  assert.deepEqual(
    models.data.map(({ id }) => id),
    ["small"],
  );
  assert.match(answers[3]?.text ?? "", /42/);
  const chats = upstream.calls.filter(({ method }) => method === "POST");
  assert.equal(chats.length, 1, "what was refused was not asked");
  for (const index of [1, 3, 4]) await assertReceipt(app, answers[index]);
  const runs = (await (await app.fetch("/v1/runs?limit=100")).json()) as {
    readonly runs: readonly { readonly id: string; readonly principalId: string; readonly status: string }[];
  };
  const own = runs.runs.filter(({ principalId }) => principalId === "jail:mcp:asker");
  assert.deepEqual(own.map(({ status }) => status).toSorted(), ["completed", "completed", "completed", "failed", "failed", "failed"]);
});

async function assertReceipt(app: TestApp, answer: Answer | undefined): Promise<void> {
  const runId = answer?.runId ?? "";
  const receipt = JSON.stringify(await (await app.fetch(`/v1/runs/${runId}/receipt`)).json());
  assert.match(receipt, /"id":"jail:mcp:asker"/);
  assert.match(receipt, /"valid":true/);
}

test("a jail without a door in its setting has no socket", async () => {
  await using app = await startTestApp({ sandbox: ["bubblewrap"], sandboxLevel: "soft", toolsAllow: ["asker_ask"] });
  await add(app, ASKER);
  assert.equal((await asked(app, [])).socket, "");
  assert.ok(!existsSync(join(app.dataDir, "doors")));
});

test("a door is for a command in a jail only", async () => {
  await using app = await startTestApp();
  for (const more of [{ isolation: "process" }, { command: undefined, args: [], url: "http://127.0.0.1:1/mcp" }]) {
    const response = await app.fetch("/v1/mcp/servers", { ...ASKER, ...more, door: {} } as Json);
    assert.equal(response.status, 400);
    assert.match(await response.text(), /without a door/);
  }
});

test("a door is gone with its jail, its folder is nobody else's, and its path is short", async () => {
  await using app = await startTestApp({ sandbox: ["bubblewrap"], sandboxLevel: "soft", toolsAllow: ["asker_ask"] });
  await add(app, { ...ASKER, door: {} });
  const [path = ""] = await socketsOf(app.dataDir);
  assert.equal((await stat(dirname(path))).mode & 0o777, 0o700);
  assert.ok(Buffer.byteLength(path) <= 107);
  const [answer] = (await asked(app, [post("/v1/tools/execute", { tool: "safe_calc", input: { expression: "1" } })])).answers;
  assert.equal(answer?.status, 403, "a door that names nothing lets nothing through");
  const removed = await fetch(new URL("/v1/mcp/servers/asker", app.url), {
    method: "DELETE",
    headers: { authorization: `Bearer ${app.token}` },
  });
  assert.ok(removed.ok);
  assert.ok(!existsSync(dirname(path)));
  assert.deepEqual(await socketsOf(app.dataDir), []);
});

test("what a killed Tutti left of its doors is removed at the next start", async () => {
  await using place = await openWorkplace();
  const setting = { ...ASKER, door: { models: ["*"] } };
  // JSON is YAML.
  await writeFile(join(place.dir, "tutti.yaml"), JSON.stringify({ sandbox: ["bubblewrap"], sandboxLevel: "soft", mcpServers: [setting] }));
  const dataDir = join(place.dir, ".tutti");
  const up = async (): Promise<Started> => {
    const server = place.start(["up", "--json"]);
    await server.printed("}\n");
    return server;
  };
  const first = await up();
  await place.json(["mcp", "test", "asker"]);
  const [path = ""] = await socketsOf(dataDir);
  assert.ok(existsSync(path));
  first.child.kill("SIGKILL");
  await first.ended;
  assert.ok(existsSync(path), "nobody was there to remove it");
  const second = await up();
  assert.ok(!existsSync(dirname(path)));
  await place.json(["mcp", "test", "asker"]);
  const [next = ""] = await socketsOf(dataDir);
  assert.notEqual(next, path);
  second.child.kill("SIGTERM");
  await second.ended;
  assert.ok(!existsSync(dirname(next)));
});

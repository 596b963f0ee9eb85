import assert from "node:assert/strict";
import { test } from "node:test";
import { AppError, type Json } from "@tutti/core";
import { SqliteStore } from "../../../store/index.ts";
import { inFolder, moment, openNode, owner, startReceiver, type Setup, type TestNode } from "../testing.ts";

const open = async (dataDir: string, setup: Setup = {}): Promise<TestNode> => openNode(await SqliteStore.open(dataDir), setup);
const never = new AbortController().signal;
const codeOf = (code: string) => (error: unknown) => error instanceof AppError && error.code === code;
const toCrm = { name: "crm", filter: { exact: { type: "x" } }, target: { type: "webhook", to: { endpoint: "crm" } } };

test("a webhook goes out until it is taken, with the same id each time, and its attempts are in the run's log", () =>
  inFolder(async (dataDir) => {
    const ids: (string | string[] | undefined)[] = [];
    await using crm = await startReceiver((request, response) => {
      ids.push(request.headers["webhook-id"]);
      request.resume().on("end", () => response.writeHead(ids.length < 3 ? 503 : 204).end());
    });
    await using node = await open(dataDir, { endpoints: [crm.endpoint] });
    await node.subscribe(toCrm);
    await node.publish("x", { id: "1" });
    await node.settled("crm");
    assert.equal(ids.length, 3);
    assert.equal(new Set(ids).size, 1);
    const [run] = await node.store.runs({ workflow: "tutti.webhook", limit: 1 });
    const log = await node.store.read(run?.id ?? "", { afterSeq: 0, limit: 100 });
    const statuses = log.flatMap((event) =>
      event.type === "step.completed" && event.kind === "step" ? [(event.output as { readonly status: number }).status] : [],
    );
    assert.deepEqual(statuses, [503, 503, 204]);
    assert.doesNotMatch(JSON.stringify(log), /MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw/);
  }));

test("a webhook that nobody takes is a dead letter, and can be sent again by hand with the same id", () =>
  inFolder(async (dataDir) => {
    let isWell = false;
    const ids: (string | string[] | undefined)[] = [];
    await using crm = await startReceiver((request, response) => {
      ids.push(request.headers["webhook-id"]);
      request.resume().on("end", () => response.writeHead(isWell ? 200 : 500).end());
    });
    await using node = await open(dataDir, { endpoints: [crm.endpoint] });
    await node.subscribe(toCrm);
    await node.publish("x", { id: "1" });
    await node.settled("crm");
    assert.equal(ids.length, 3);
    isWell = true;
    const [letter = ""] = await node.letters();
    await node.engine.signal(letter, { name: "retry", value: {} }, owner);
    await node.engine.result(letter, never);
    assert.equal(ids.length, 4);
    assert.equal(new Set(ids).size, 1);
  }));

test("a webhook that waits to be sent again is sent at once when somebody says so", () =>
  inFolder(async (dataDir) => {
    let requests = 0;
    await using crm = await startReceiver((request, response) => {
      requests += 1;
      request.resume().on("end", () => response.writeHead(requests === 1 ? 503 : 200).end());
    });
    await using node = await open(dataDir, { endpoints: [crm.endpoint], delaysMs: [3_600_000] });
    await node.subscribe(toCrm);
    await node.publish("x", { id: "1" });
    const waiting = async (): Promise<string | undefined> =>
      (await node.store.waits({ kind: "signal", name: "retry", limit: 1 }))[0]?.runId;
    while ((await waiting()) === undefined) await moment();
    await node.engine.signal((await waiting()) ?? "", { name: "retry", value: null }, owner);
    await node.settled("crm");
    assert.equal(requests, 2);
  }));

test("a receiver that says it is gone pauses its subscription", () =>
  inFolder(async (dataDir) => {
    let requests = 0;
    await using crm = await startReceiver((request, response) => {
      requests += 1;
      request.resume().on("end", () => response.writeHead(410).end());
    });
    await using node = await open(dataDir, { endpoints: [crm.endpoint] });
    await node.subscribe(toCrm);
    await node.publish("x", { id: "1", subject: "k" });
    await node.publish("x", { id: "2", subject: "k" });
    for (;;) {
      const { status, reason } = await node.events.subscriptions.view("crm");
      if (status === "paused") {
        assert.match(String(reason), /410/);
        break;
      }
      await moment();
    }
    assert.deepEqual([requests, (await node.letters()).length], [1, 1]);
  }));

test("webhooks to private addresses are refused: at once by number, and when they are sent by name", () =>
  inFolder(async (dataDir) => {
    await using node = await open(dataDir);
    const to = (url: string): Json => ({ name: "hook", target: { type: "webhook", to: { url } } });
    await assert.rejects(node.subscribe(to("https://127.0.0.1/")), codeOf("denied"));
    await assert.rejects(node.subscribe(to("http://example.com/")), codeOf("invalid_input"));
    await assert.rejects(node.subscribe(to("https://user:secret@example.com/")), codeOf("invalid_input"));
    await assert.rejects(node.subscribe({ name: "hook", target: { type: "webhook", to: { endpoint: "none" } } }), codeOf("not_found"));
    await node.subscribe({ ...(to("https://localhost/") as object), filter: { exact: { type: "x" } } } as Json);
    await node.publish("x");
    await node.settled("hook");
    const [letter] = await node.letters();
    const [started] = await node.store.read(letter ?? "", { afterSeq: 0, limit: 1 });
    assert.match(JSON.stringify(started), /private address/);
    assert.match(await node.events.webhooks.secretOf("https://localhost/"), /^whsec_/);
    assert.equal(await node.events.webhooks.secretOf("https://localhost"), await node.events.webhooks.secretOf("https://localhost/"));
  }));

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { AppError } from "@tutti/core";
import { nameIn, openBatches, owner, requestLine, untilAborted } from "./batches-for-tests.ts";

const hasCode =
  (code: string) =>
  (thrown: unknown): boolean =>
    thrown instanceof AppError && thrown.code === code;

const answer = (text: string): { readonly status: number; readonly requestId: string; readonly body: { readonly [key: string]: never } } =>
  ({ status: 200, requestId: "r", body: { text, usage: { prompt_tokens: 2, completion_tokens: 3 } } }) as never;

const ENDPOINT = "/v1/chat/completions";
const WINDOW = "24h";

describe("batches", () => {
  test("every request is answered once, in the order of the file, and the answers and the failures have a file each", async () => {
    const asked: string[] = [];
    await using bench = await openBatches(async ({ body }) => {
      const name = nameIn(body);
      asked.push(name);
      return name === "b" ? { status: 400, requestId: "r", body: { error: { message: "no" } } } : answer(name);
    });
    const file = await bench.upload(["a", "b", "c"].map((name) => requestLine(name, { name })));
    const made = await bench.batches.create(
      { input_file_id: file, endpoint: ENDPOINT, completion_window: WINDOW, metadata: { why: "test" } },
      owner,
    );
    assert.deepEqual([made.object, made.status, made.expires_at - made.created_at], ["batch", "validating", 86_400]);
    const batch = await bench.ended(made.id);
    assert.deepEqual(
      [batch.status, batch.request_counts, batch.metadata],
      ["completed", { total: 3, completed: 2, failed: 1 }, { why: "test" }],
    );
    assert.deepEqual([batch.usage.input_tokens, batch.usage.output_tokens, batch.usage.total_tokens], [4, 6, 10]);
    assert.deepEqual(
      (await bench.lines(batch.output_file_id)).map((line) => [line.custom_id, line.response?.status_code, line.error]),
      [
        ["a", 200, null],
        ["c", 200, null],
      ],
    );
    assert.deepEqual(
      (await bench.lines(batch.error_file_id)).map((line) => [line.custom_id, line.response?.status_code]),
      [["b", 400]],
    );
    assert.deepEqual(asked.toSorted(), ["a", "b", "c"]);
    assert.deepEqual(
      (await bench.batches.list({ limit: 10 }, owner)).batches.map(({ id }) => id),
      [batch.id],
    );
  });

  test("a file with mistakes is told all of them by their lines, and nothing is asked", async () => {
    await using bench = await openBatches(() => Promise.reject(new Error("was asked")));
    const file = await bench.upload([
      requestLine("a"),
      "{",
      requestLine("a"),
      requestLine("d", {}, "/v1/embeddings"),
      requestLine("e", { stream: true }),
      '{"custom_id":"f"}',
    ]);
    const batch = await bench.ended(
      (await bench.batches.create({ input_file_id: file, endpoint: ENDPOINT, completion_window: WINDOW }, owner)).id,
    );
    assert.equal(batch.status, "failed");
    assert.deepEqual(
      batch.errors?.data.map(({ line, code }) => [line, code]),
      [
        [2, "invalid_json_line"],
        [3, "duplicate_custom_id"],
        [4, "mismatched_endpoint"],
        [5, "invalid_request"],
        [6, "invalid_request"],
      ],
    );
    const empty = await bench.upload(["", " "]);
    const none = await bench.ended(
      (await bench.batches.create({ input_file_id: empty, endpoint: ENDPOINT, completion_window: WINDOW }, owner)).id,
    );
    assert.deepEqual([none.status, none.errors?.data[0]?.code], ["failed", "empty_file"]);
  });

  test("counts are live, and a cancelled batch keeps what was answered and says what was not", async () => {
    await using bench = await openBatches((ask, signal) =>
      nameIn(ask.body) === "a" ? Promise.resolve(answer("a")) : untilAborted(signal),
    );
    const isFirstDone = Promise.withResolvers<void>();
    using _ = bench.engine.subscribe((event) => {
      if (event.type === "step.completed" && event.name === "request 1") isFirstDone.resolve();
    });
    const file = await bench.upload(["a", "b"].map((name) => requestLine(name, { name })));
    const made = await bench.batches.create({ input_file_id: file, endpoint: ENDPOINT, completion_window: WINDOW }, owner);
    await isFirstDone.promise;
    const live = await bench.batches.get(made.id, owner);
    assert.deepEqual([live.status, live.request_counts], ["in_progress", { total: 2, completed: 1, failed: 0 }]);
    assert.equal((await bench.batches.cancel(made.id, owner)).status, "cancelling");
    await bench.batches.cancel(made.id, owner);
    const batch = await bench.ended(made.id);
    assert.equal(batch.status, "cancelled");
    assert.deepEqual(
      (await bench.lines(batch.output_file_id)).map((line) => line.custom_id),
      ["a"],
    );
    assert.deepEqual(
      (await bench.lines(batch.error_file_id)).map((line) => [line.custom_id, line.error?.code]),
      [["b", "batch_cancelled"]],
    );
    assert.equal((await bench.batches.cancel(made.id, owner)).status, "cancelled");
  });

  test("a batch whose file is deleted while it goes on fails, and keeps what was answered", async () => {
    const asked: string[] = [];
    await using bench = await openBatches(async ({ body }) => {
      asked.push(nameIn(body));
      if (asked.length === 1) await bench.files.delete("default", file);
      return answer(nameIn(body));
    });
    const file = await bench.upload(Array.from({ length: 30 }, (_, index) => requestLine(`${index}`, { name: `${index}` })));
    const made = await bench.batches.create({ input_file_id: file, endpoint: ENDPOINT, completion_window: WINDOW }, owner);
    const batch = await bench.ended(made.id);
    assert.deepEqual([batch.status, batch.errors?.data[0]?.param, batch.error_file_id], ["failed", "input_file_id", null]);
    assert.equal((await bench.lines(batch.output_file_id)).length, batch.request_counts.completed);
    assert.ok(asked.length < 30);
  });

  test("a batch whose time is over ends with what was answered", async () => {
    await using bench = await openBatches((_, signal) => untilAborted(signal));
    const inputFileId = await bench.upload([requestLine("a")]);
    const input = {
      tenant: "default",
      inputFileId,
      endpoint: ENDPOINT,
      window: "1h",
      windowMs: 3_600_000,
      // It was made an hour ago, as if the server had been off since.
      createdAtMs: Date.now() - 3_600_000,
      metadata: null,
      outputExpiresAfterS: null,
    };
    const { runId } = await bench.engine.start("tutti.batch", input, { principal: owner });
    const batch = await bench.ended(`batch_${runId.replaceAll("-", "")}`);
    assert.deepEqual([batch.status, batch.output_file_id], ["expired", null]);
    assert.deepEqual(
      (await bench.lines(batch.error_file_id)).map((line) => line.error?.code),
      ["batch_expired"],
    );
  });

  test("what another tenant has is not there", async () => {
    await using bench = await openBatches(() => Promise.resolve(answer("")));
    const file = await bench.upload([requestLine("a")]);
    const batch = await bench.batches.create({ input_file_id: file, endpoint: ENDPOINT, completion_window: WINDOW }, owner);
    const other = { ...owner, tenant: "other" };
    await assert.rejects(bench.batches.get(batch.id, other), hasCode("not_found"));
    await assert.rejects(
      bench.batches.create({ input_file_id: file, endpoint: ENDPOINT, completion_window: WINDOW }, other),
      hasCode("not_found"),
    );
    await assert.rejects(bench.files.get("other", file), hasCode("not_found"));
    assert.deepEqual((await bench.batches.list({ limit: 10 }, other)).batches, []);
    await bench.ended(batch.id);
  });

  test("names of files and batches that are none are refused, whatever they are", async () => {
    await using bench = await openBatches(() => Promise.resolve(answer("")));
    for (const id of ["../../etc/passwd", "file-", "", "batch_x", "batch_00000000000000000000000000000000"]) {
      await assert.rejects(bench.files.get("default", id), hasCode("not_found"));
      await assert.rejects(bench.files.delete("default", id), hasCode("not_found"));
      await assert.rejects(bench.batches.get(id, owner), hasCode("not_found"));
    }
  });
});

describe("files", () => {
  test("are listed newest first, page by page, and gone once they are deleted or have expired", async () => {
    await using bench = await openBatches(() => Promise.resolve(answer("")));
    const ids: string[] = [];
    for (const name of ["a", "b", "c"])
      ids.unshift(
        (await bench.files.put("default", { id: `file-${String(ids.length).padStart(36, "0")}`, name, purpose: "batch" }, [name])).id,
      );
    const first = await bench.files.list("default", { limit: 2, order: "desc" });
    assert.deepEqual([first.files.map(({ id }) => id), first.hasMore], [ids.slice(0, 2), true]);
    const rest = await bench.files.list("default", { limit: 2, order: "desc", after: ids[1] });
    assert.deepEqual([rest.files.map(({ id }) => id), rest.hasMore], [ids.slice(2), false]);
    await bench.files.delete("default", ids[0] ?? "");
    const old = await bench.files.put("default", { name: "old", purpose: "batch", expiresAfterS: -1 }, ["x"]);
    assert.deepEqual(
      (await bench.files.list("default", { limit: 9, order: "asc" })).files.map(({ filename }) => filename),
      ["a", "b"],
    );
    await assert.rejects(bench.files.open("default", old.id), hasCode("not_found"));
  });
});

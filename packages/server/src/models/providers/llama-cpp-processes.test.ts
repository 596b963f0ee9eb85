import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { test } from "node:test";
import { AppError } from "@tutti/core";
import { collect, type ModelPart } from "@tutti/core/model";
import { writeTinyGguf } from "../../testing/tiny-gguf.ts";
import { hello } from "../conformance-cases.ts";
import { LlamaModels } from "../local/llama-models.ts";
import { openLlama, type OpenLlama } from "./llama-cpp-opened.ts";

const never = new AbortController().signal;
/** A long answer. */
const endless = {
  ...hello,
  format: { type: "schema", name: "long", schema: { type: "string", minLength: 1_000 } },
} as const;

interface Place extends AsyncDisposable {
  readonly folder: string;
  readonly local: OpenLlama;
}

function place(options: Readonly<Record<string, number>> = {}): Place {
  const folder = mkdtempSync(join(tmpdir(), "tutti-llama-"));
  writeTinyGguf(join(folder, "tiny.gguf"));
  const local = openLlama({ folder, contextTokens: 4_096, ...options });
  return {
    folder,
    local,
    async [Symbol.asyncDispose]() {
      await local.close();
      rmSync(folder, { recursive: true });
    },
  };
}

function iterator(local: OpenLlama, signal = never): AsyncIterator<ModelPart> {
  return local.generate("tiny", endless, signal)[Symbol.asyncIterator]();
}

for (const [what, reason, code] of [
  ["is aborted", undefined, "cancelled"],
  ["passes its deadline", new DOMException("The operation timed out.", "TimeoutError"), "timeout"],
] as const) {
  test(`a signal that ${what} in the middle throws ${code}, and the model answers the next request`, async () => {
    await using subject = place({ parallel: 1 });
    const controller = new AbortController();
    const parts = iterator(subject.local, controller.signal);
    assert.equal((await parts.next()).done, false);
    controller.abort(reason);
    await assert.rejects(
      async () => {
        while (!(await parts.next()).done);
      },
      { code },
    );
    await collect(subject.local.generate("tiny", { ...hello, outputTokensMax: 3 }, never));
    await assert.rejects(collect(subject.local.generate("tiny", hello, controller.signal)), { code });
  });
}

test("a reader may leave in the middle, and makes room for the next", async () => {
  await using subject = place({ parallel: 1 });
  for await (const part of subject.local.generate("tiny", endless, never)) {
    assert.equal(part.type, "text");
    break;
  }
  await collect(subject.local.generate("tiny", { ...hello, outputTokensMax: 3 }, never));
});

test("two answers are written at once, and a third waits for one of them to end", async () => {
  await using subject = place({ parallel: 2 });
  const [one, other, third] = [iterator(subject.local), iterator(subject.local), iterator(subject.local)];
  const begun: string[] = [];
  const waiting = third.next().then(() => begun.push("third"));
  void waiting;
  for (let count = 0; count < 5; count += 1) {
    await Promise.all([one.next(), other.next()]);
    assert.deepEqual(begun, begun.slice(0, 1));
  }
  await one.return?.();
  await waiting;
  await Promise.all([other.return?.(), third.return?.()]);
});

test("more requests than may wait are refused with overloaded", async () => {
  await using subject = place({ parallel: 1 });
  await subject.local.management.load("tiny", {}, never);
  const controller = new AbortController();
  const all = await Promise.allSettled(
    Array.from({ length: 70 }, async () =>
      iterator(subject.local, controller.signal)
        .next()
        .finally(() => controller.abort()),
    ),
  );
  const refused = all.filter((item) => item.status === "rejected" && item.reason instanceof AppError && item.reason.code === "overloaded");
  assert.equal(refused.length > 0, true);
});

test("a model whose process is killed fails its calls with upstream, and is started again by the next", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tutti-llama-"));
  const file = join(folder, "tiny.gguf");
  writeTinyGguf(file);
  const options = { contextTokens: 2_048, parallel: 2, threads: 1, gpu: false, loadedMax: 1, keepAliveMs: 300_000, log: () => {} } as const;
  const models = new LlamaModels(options);
  try {
    const ask = {
      history: [{ type: "user" as const, text: "Hi" }],
      outcome: "text" as const,
      showsThoughts: true,
      sampling: { temperature: 2 },
    };
    const parts = models.use("tiny", file).generate(ask, never);
    const embedding = models.use("tiny", file).embed(["text"], never);
    embedding.catch(() => {});
    await parts.next();
    process.kill(models.processId("tiny") ?? assert.fail(), "SIGKILL");
    await assert.rejects(
      async () => {
        while (!(await parts.next()).done);
        throw new AppError("upstream", "SIGKILL: it was faster");
      },
      { code: "upstream", message: /SIGKILL/ },
    );
    await Promise.allSettled([embedding]);
    const again = await Array.fromAsync(models.use("tiny", file).generate({ ...ask, outputTokensMax: 3 }, never));
    assert.equal(again.at(-1)?.type, "finish");
  } finally {
    await models.close();
    rmSync(folder, { recursive: true });
  }
});

test("a model leaves the memory when nobody asked it for a while, or when it is told to", async () => {
  await using subject = place();
  const { management, discover } = subject.local;
  const isLoaded = async (): Promise<boolean | undefined> => (await discover(never))[0]?.isLoaded;
  await management.load("tiny", {}, never);
  assert.equal(await isLoaded(), true);
  await management.unload("tiny", never);
  assert.equal(await isLoaded(), false);
  await management.load("tiny", { keepAliveMs: 1 }, never);
  while (await isLoaded()) await pause(5);
  await collect(subject.local.generate("tiny", { ...hello, outputTokensMax: 3 }, never));
});

test("a model that is wanted beside as many as may be in memory takes the place of one that is not used", async () => {
  await using subject = place({ loadedMax: 1 });
  writeTinyGguf(join(subject.folder, "second.gguf"), { seed: 2 });
  const loaded = async (): Promise<readonly string[]> =>
    (await subject.local.discover(never)).filter(({ isLoaded }) => isLoaded).map(({ name }) => name);
  await subject.local.management.load("tiny", {}, never);
  await subject.local.management.load("second", {}, never);
  assert.deepEqual(await loaded(), ["second"]);
  const busy = subject.local.generate("second", endless, never)[Symbol.asyncIterator]();
  await busy.next();
  await assert.rejects(subject.local.management.load("tiny", {}, never), { code: "overloaded", message: /all are busy/ });
  await busy.return?.();
});

test("a model is brought from another folder or from the web, whole or not at all, and removed", async () => {
  await using subject = place();
  const { management, discover } = subject.local;
  const names = async (): Promise<readonly string[]> => (await discover(never)).map(({ name }) => name).toSorted();
  const elsewhere = join(subject.folder, "elsewhere");
  mkdirSync(elsewhere);
  writeTinyGguf(join(elsewhere, "copied.gguf"));
  await using web = await serve((path) =>
    path === "/good.gguf" ? readFileSync(join(subject.folder, "tiny.gguf")) : path === "/bad.gguf" ? Buffer.from("<html>") : undefined,
  );

  await Array.fromAsync(management.pull(join(elsewhere, "copied.gguf"), never));
  const progress = await Array.fromAsync(management.pull(`${web.url}/good.gguf`, never));
  assert.equal(progress.at(-1)?.status, "done");
  assert.deepEqual(await names(), ["copied", "good", "tiny"]);

  await assert.rejects(Array.fromAsync(management.pull(`${web.url}/good.gguf`, never)), { code: "conflict" });
  await assert.rejects(Array.fromAsync(management.pull(`${web.url}/bad.gguf`, never)), {
    code: "invalid_input",
    message: /wanted a GGUF file/,
  });
  await assert.rejects(Array.fromAsync(management.pull(`${web.url}/none.gguf`, never)), { code: "upstream", message: /404/ });
  await assert.rejects(Array.fromAsync(management.pull("llama3", never)), { code: "invalid_input", message: /\.gguf/ });
  await assert.rejects(Array.fromAsync(management.pull("/nowhere/x.gguf", never)), { code: "not_found" });
  await management.remove("good", never);
  assert.deepEqual(await names(), ["copied", "tiny"]);
});

test("a file whose head is right and whose weights are not is told when it is loaded", async () => {
  await using subject = place();
  const whole = readFileSync(join(subject.folder, "tiny.gguf"));
  writeFileSync(join(subject.folder, "cut.gguf"), whole.subarray(0, whole.length / 2));
  await assert.rejects(collect(subject.local.generate("cut", hello, never)), { code: "upstream", message: /could not be loaded/ });
});

test("without node-llama-cpp it says how to get it", () => {
  const script = `
    import { registerHooks } from "node:module";
    registerHooks({ resolve: (name, context, next) => { if (name === "node-llama-cpp") throw new Error("not found"); return next(name, context); } });
    const { llamaCpp } = await import(${JSON.stringify(new URL("./llama-cpp.ts", import.meta.url).href)});
    const open = llamaCpp.open({ provider: { name: "g", models: [], options: { folder: "/tmp" } }, log: () => {} });
    await open.discover(new AbortController().signal).catch((error) => console.log(error.code, error.message));
  `;
  const said = execFileSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8", timeout: 300_000 });
  assert.match(said, /^unsupported .*run: npm install node-llama-cpp/);
});

test("wrong options are refused at the start", () => {
  for (const options of [{}, { folder: "a", file: "b" }, { folder: "a", parallel: 0 }, { folder: "a", gpu: "abacus" }, { folder: 1 }])
    assert.throws(() => openLlama(options), { code: "invalid_config" }, JSON.stringify(options));
});

async function serve(answer: (path: string) => Buffer | undefined): Promise<{ readonly url: string } & AsyncDisposable> {
  const server = createServer((request, response) => {
    const body = answer(request.url ?? "");
    response.writeHead(body === undefined ? 404 : 200).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

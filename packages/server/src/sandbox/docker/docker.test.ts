import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import fc from "fast-check";
import { startEngineStandIn, type EngineAnswer } from "../../testing/engine-stand-in.ts";
import { tryBackend } from "../open-sandbox.ts";
import { DEFAULT_LIMITS } from "../shared/limits.ts";
import { readProgram } from "../shared/program.ts";
import { collectArchive } from "./collect-archive.ts";
import { connectEngine } from "./engine.ts";
import { OpenContainer } from "./open-container.ts";
import { packTar, readTar } from "./tar.ts";
import { dockerBackend } from "./index.ts";

const never = new AbortController().signal;
const ID = "0123456789ab";
const open = (engineSocket: string) => tryBackend(dockerBackend, { backends: ["docker"], level: "soft", engineSocket }, never);

const works: Readonly<Record<string, EngineAnswer>> = {
  "GET /version": { status: 200, json: { Version: "20.10.24", ApiVersion: "1.41" } },
  "POST /containers/create": { status: 201, json: { Id: ID, Warnings: [] } },
  [`POST /containers/${ID}/start`]: { status: 204, json: undefined },
  [`PUT /containers/${ID}/archive`]: { status: 200, json: undefined },
  [`DELETE /containers/${ID}`]: { status: 204, json: undefined },
};

async function runWith(answers: Readonly<Record<string, EngineAnswer>>) {
  await using engine = await startEngineStandIn((call) => answers[call]);
  const client = connectEngine(engine.socketPath);
  try {
    const spec = { image: "image", owner: "o", command: "python3", isPodman: false, limits: DEFAULT_LIMITS };
    const container = await OpenContainer.start(client, spec, never);
    try {
      return await container.run(readProgram({ language: "python", code: "" }, DEFAULT_LIMITS), never);
    } finally {
      await container.remove();
      assert.ok(engine.calls.includes(`DELETE /containers/${ID}`));
    }
  } finally {
    await client.close();
  }
}

test("an engine that does not run is told as missing, with how to get it", async () => {
  const candidate = await open("/nonexistent/docker.sock");
  assert.ok(candidate.status === "missing");
  assert.match(candidate.reason, /is it running/);
  assert.match(candidate.howToGet, /install Docker or Podman/);
});

test("an image that is not there is told with the command that brings it", async () => {
  await using engine = await startEngineStandIn((call) => works[call]);
  const candidate = await open(engine.socketPath);
  assert.ok(candidate.status === "missing");
  assert.match(candidate.reason, /docker pull python:3\.12-slim/);
});

test("a conflict at the start of a container is the engine's own words, and the container is removed", async () => {
  const conflict = { status: 409, json: { message: "container is marked for removal" } };
  await using engine = await startEngineStandIn((call) =>
    call.endsWith("/start") ? conflict : (works[call] ?? { stream: new Uint8Array() }),
  );
  const client = connectEngine(engine.socketPath);
  const spec = { image: "image", owner: "o", command: "python3", isPodman: false, limits: DEFAULT_LIMITS };
  await assert.rejects(OpenContainer.start(client, spec, never), { name: "EngineError", status: 409, message: /marked for removal/ });
  assert.ok(engine.calls.includes(`DELETE /containers/${ID}`));
  await client.close();
});

test("a stream that breaks off, within a frame or between two, and one that is none are the engine's fault", async () => {
  const frame = (size: number, text: string): Uint8Array => Buffer.concat([Buffer.from([1, 0, 0, 0, 0, 0, 0, size]), Buffer.from(text)]);
  for (const stream of [frame(9, "half"), frame(5, "whole"), new Uint8Array(), Buffer.from("HTTP/1.1 what")])
    await assert.rejects(runWith({ ...works, [`POST /containers/${ID}/attach`]: { stream } }), { code: "upstream" });
});

test("what is packed as tar is read back, whatever its names and wherever the bytes are cut", async () => {
  const name = fc.stringMatching(/^[a-zé漢 .-]{1,120}(\/[a-z]{1,80}){0,3}$/);
  const entries = fc.uniqueArray(fc.record({ name, content: fc.uint8Array({ maxLength: 2_000 }) }, { noNullPrototype: true }), {
    selector: ({ name: one }) => one,
  });
  await fc.assert(
    fc.asyncProperty(entries, fc.integer({ min: 1, max: 700 }), async (files, size) => {
      const tar = packTar(
        files.map((file) => ({ ...file, type: "file", mode: 0o600 }) as const),
        1,
      );
      const cut = Array.from({ length: Math.ceil(tar.length / size) }, (_, index) => tar.subarray(index * size, (index + 1) * size));
      const back: { name: string; content: Uint8Array }[] = [];
      for await (const file of readTar(Readable.from(cut))) back.push({ name: file.name, content: Uint8Array.from(await file.read()) });
      assert.deepEqual(back, files);
    }),
    { numRuns: 60 },
  );
});

test("files that are hard links to each other all come back, with their content", async () => {
  const long = `work/${"n".repeat(120)}`;
  const archive = Readable.from(
    [
      tarBlock({ name: "work/first", type: "0", content: "same" }),
      tarBlock({ name: "work/second", type: "1", linkTo: "work/first" }),
      tarBlock({ name: "pax", type: "L", content: `${long}\0` }),
      tarBlock({ name: "cut", type: "0", content: "other" }),
      tarBlock({ name: "pax", type: "K", content: `${long}\0` }),
      tarBlock({ name: "work/third", type: "1", linkTo: "cut" }),
      tarBlock({ name: "work/lost", type: "1", linkTo: "elsewhere" }),
      Buffer.alloc(1_024),
    ].map((block) => Buffer.from(block)),
  );
  const { files, isTruncated } = await collectArchive(archive, readProgram({ language: "shell", code: "" }, DEFAULT_LIMITS));
  const texts = Object.entries(files).map(([name, content]) => [name, Buffer.from(content).toString()]);
  assert.deepEqual(texts, [
    ["first", "same"],
    ["second", "same"],
    [long.slice(5), "other"],
    ["third", "other"],
  ]);
  assert.equal(isTruncated, true);
});

/** One entry of an archive, as engines write it. */
function tarBlock(entry: {
  readonly name: string;
  readonly type: string;
  readonly content?: string;
  readonly linkTo?: string;
}): Uint8Array {
  const packed = Buffer.from(packTar([{ type: "file", name: entry.name, mode: 0o600, content: Buffer.from(entry.content ?? "") }], 1));
  packed.write(entry.type, 156);
  packed.write(entry.linkTo ?? "", 157);
  packed.write("        ", 148);
  const sum = packed.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  packed.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return packed.subarray(0, -1_024);
}

test("an archive that breaks off, or is none, is refused and never hangs", async () => {
  const whole = packTar([{ type: "file", name: "a", mode: 0o600, content: Buffer.alloc(3_000, 1) }], 1);
  const readAll = async (bytes: Uint8Array): Promise<void> => {
    for await (const file of readTar(Readable.from([bytes]))) await file.read();
  };
  await assert.rejects(readAll(whole.subarray(0, 2_000)), { code: "upstream" });
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 512, maxLength: 2_048 }), async (noise) => {
      if (noise.slice(0, 512).every((byte) => byte === 0)) return;
      await assert.rejects(readAll(noise), { code: "upstream" });
    }),
  );
});

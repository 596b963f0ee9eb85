import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { AppError } from "@tutti/core";
import { writeTinyGguf } from "../../testing/tiny-gguf.ts";
import { readGguf } from "./gguf.ts";

const folder = mkdtempSync(join(tmpdir(), "tutti-gguf-"));
after(() => rmSync(folder, { recursive: true }));
const file = join(folder, "tiny.gguf");
writeTinyGguf(file);
const whole = readFileSync(file);
/** As much as its metadata take. */
const headBytes = whole.indexOf("token_embd.weight");

test("the head of a file tells what the model is", async () => {
  const { title, ...facts } = await readGguf(file);
  assert.equal(title, "Tiny chat");
  assert.deepEqual(facts, { architecture: "llama", contextTokens: 4_096, dimensions: 64, isEmbedder: false, hasChatTemplate: true });
  const embedder = join(folder, "embedder.gguf");
  writeTinyGguf(embedder, { kind: "embeddings" });
  assert.equal((await readGguf(embedder)).isEmbedder, true);
});

test("a file that is cut off in its head is refused", async () => {
  const cut = join(folder, "cut.gguf");
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: headBytes - 20 }), async (length) => {
      writeFileSync(cut, whole.subarray(0, length));
      await assert.rejects(readGguf(cut), { code: "invalid_input" });
    }),
    { numRuns: 50 },
  );
});

test("whatever stands in a file's head, it is read or refused, and nothing else", async () => {
  const broken = join(folder, "broken.gguf");
  const changes = fc.array(fc.tuple(fc.nat({ max: headBytes }), fc.nat({ max: 255 })), { minLength: 1, maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(changes, async (list) => {
      const bytes = Buffer.from(whole.subarray(0, headBytes + 100));
      for (const [position, value] of list) bytes[position] = value;
      writeFileSync(broken, bytes);
      await readGguf(broken).catch((error: unknown) =>
        assert.ok(error instanceof AppError && error.code === "invalid_input", String(error)),
      );
    }),
    { numRuns: 200 },
  );
});

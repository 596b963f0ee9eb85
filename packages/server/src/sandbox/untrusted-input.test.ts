import assert from "node:assert/strict";
import { constants } from "node:fs";
import { mkdtempDisposable, open, readdir, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, normalize } from "node:path";
import { test } from "node:test";
import { AppError } from "@tutti/core";
import type { SandboxLimits } from "@tutti/core/sandbox";
import fc from "fast-check";
import { packFiles } from "./cells/pack-files.ts";
import { seccompFilter } from "./seccomp/filter.ts";
import { collectFiles } from "./shared/collect-files.ts";
import { DEFAULT_LIMITS, LIMIT_BOUNDS, resolveLimits } from "./shared/limits.ts";
import { fileName, readProgram } from "./shared/program.ts";

const isRefusal = (error: unknown): boolean => error instanceof AppError && error.code === "invalid_input";

/** Names made of what makes names dangerous. */
const names = fc
  .array(fc.constantFrom("..", ".", "", "a", "ä", "/", "\\", "\0", "\n", "b.txt", " ", "~", "-rf", "'", "\ud800", "__proto__"), {
    maxLength: 8,
  })
  .map((parts) => parts.join("/"));

test("a file name either stays inside or is refused", () => {
  fc.assert(
    fc.property(fc.oneof(names, fc.string({ unit: "binary", maxLength: 300 })), (name) => {
      try {
        const safe = fileName(name);
        assert.equal(normalize(safe), safe);
        assert.ok(!safe.startsWith("/") && !safe.split("/").includes(".."));
      } catch (error) {
        assert.ok(isRefusal(error), String(error));
      }
    }),
  );
});

test("limits are within their bounds or refused, whatever is asked", () => {
  const limit = fc.oneof(fc.double(), fc.integer(), fc.constantFrom(Number.NaN, Infinity, -0));
  const asked = fc.record(Object.fromEntries(Object.keys(LIMIT_BOUNDS).map((name) => [name, limit])), { requiredKeys: [] }) as fc.Arbitrary<
    Partial<SandboxLimits>
  >;
  fc.assert(
    fc.property(asked, (wanted) => {
      try {
        const limits = resolveLimits(wanted);
        for (const [name, [min, max]] of Object.entries(LIMIT_BOUNDS)) {
          const value = limits[name as keyof SandboxLimits];
          assert.ok(value >= min && value <= max, `${name} ${value}`);
        }
      } catch (error) {
        assert.ok(isRefusal(error), String(error));
      }
    }),
  );
});

test("a shell's files are quoted: no name is a command", () => {
  const program = readProgram({ language: "shell", code: "true", files: { "a'$(touch x)`b`": "x", "-rf": "y" } }, DEFAULT_LIMITS);
  const script = packFiles(program).toString();
  assert.ok(script.includes("'./a'\\''$(touch x)`b`'"), script);
  assert.ok(script.includes("'./-rf'"));
});

test("a file called __proto__ is a file", () => {
  const files = JSON.parse('{"__proto__": "x"}') as Record<string, string>;
  assert.ok(readProgram({ language: "python", code: "", files }, DEFAULT_LIMITS).files.has("__proto__"));
});

test("the collector takes regular files only, and nothing larger than allowed", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "tutti-collect-"));
  await symlink("/etc/hostname", join(folder.path, "link"));
  await symlink("/etc", join(folder.path, "folder"));
  await writeFile(join(folder.path, "sparse"), "");
  await truncate(join(folder.path, "sparse"), 2 ** 40);
  await writeFile(join(folder.path, "__proto__"), "own");
  const program = readProgram({ language: "shell", code: "" }, DEFAULT_LIMITS);
  const { files, isTruncated } = await collectFiles(folder.path, program);
  assert.deepEqual([Object.keys(files), isTruncated], [["__proto__"], true]);
});

test("a folder of ten thousand and more entries ends the collector at its bound", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "tutti-collect-"));
  const flags = constants.O_CREAT | constants.O_WRONLY;
  for (let index = 0; index < 500; index += 1) await (await open(join(folder.path, `f${index}`), flags)).close();
  const program = readProgram({ language: "shell", code: "", limits: { filesMax: 10 } }, DEFAULT_LIMITS);
  const { files, isTruncated } = await collectFiles(folder.path, program);
  assert.deepEqual([Object.keys(files).length, isTruncated, (await readdir(folder.path)).length], [10, true, 500]);
});

test("the filter of system calls is whole for both processors, and there is none for others", () => {
  for (const architecture of ["x64", "arm64"]) {
    const bytes = seccompFilter(architecture, { allowsUnixSockets: true, isShared: true, hasOwnUid: false });
    assert.equal(bytes.length % 8, 0);
    const length = bytes.length / 8;
    assert.ok(length < 4_096);
    for (let at = 0; at < length; at += 1) {
      const [code, whenTrue, whenFalse] = [bytes.readUInt16LE(at * 8), bytes[at * 8 + 2] ?? 0, bytes[at * 8 + 3] ?? 0];
      if ((code & 0x07) === 0x05) assert.ok(at + 1 + Math.max(whenTrue, whenFalse) < length, `instruction ${at} jumps out`);
    }
    assert.equal(bytes.readUInt16LE((length - 1) * 8), 0x06);
  }
  assert.throws(() => seccompFilter("riscv64", { allowsUnixSockets: false }), { code: "unsupported" });
});

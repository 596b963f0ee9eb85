import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmod, cp, mkdir, mkdtemp, open, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, test } from "node:test";
import type { EventBody } from "@tutti/core";
import { completed, log, started, storeConformance, type StoreUnderTest } from "../conformance.ts";
import { surveyConformance } from "../conformance-survey.ts";
import { backupStore, restoreStore, SqliteStore } from "../index.ts";

storeConformance("sqlite store", async () => openOn(await newFolder()));
surveyConformance("sqlite store", async () => openOn(await newFolder()));

async function openOn(folder: string): Promise<StoreUnderTest & { readonly store: SqliteStore }> {
  const store = await SqliteStore.open(folder);
  return {
    store,
    reopen: async () => {
      await store.close();
      return openOn(folder);
    },
    [Symbol.asyncDispose]: async () => {
      await store.close();
      await rm(folder, { recursive: true });
    },
  };
}

const newFolder = (): Promise<string> => mkdtemp(join(tmpdir(), "tutti-store-"));

async function withRun(folder: string, runId: string): Promise<void> {
  const store = await SqliteStore.open(folder);
  await store.append(log(runId, [started(), completed]));
  await store.putBlob("x".repeat(100_000));
  await store.close();
}

describe("sqlite store: a folder that cannot be used", () => {
  test("a folder in use is refused, and free again when its holder is gone", async () => {
    const folder = await newFolder();
    const first = await SqliteStore.open(folder);
    await assert.rejects(SqliteStore.open(folder), { code: "storage_in_use", message: new RegExp(folder) });
    await first.close();
    await (await SqliteStore.open(folder)).close();
  });

  test("nobody but its owner reads a database, also in a folder that was there before and was open", async () => {
    const folder = await newFolder();
    await chmod(folder, 0o755);
    await writeFile(join(folder, "tutti.db"), "", { mode: 0o644 });
    await using _ = await openOn(folder);
    const modes = await Promise.all(
      ["tutti.db", "tutti.db-wal", "tutti.db-shm"].map(async (name) => (await stat(join(folder, name))).mode & 0o777),
    );
    assert.deepEqual(modes, [0o600, 0o600, 0o600]);
  });

  test("a database of a newer program is refused and left as it is", async () => {
    const folder = await newFolder();
    await withRun(folder, "r1");
    const db = new DatabaseSync(join(folder, "tutti.db"));
    db.exec("PRAGMA user_version = 99");
    db.close();
    await assert.rejects(SqliteStore.open(folder), { code: "storage_newer", message: /version 99/ });
  });

  for (const [damage, where] of [
    ["header", 0],
    ["page", 8192 * 2],
  ] as const) {
    test(`a database with a damaged ${damage} is refused with what to do`, async () => {
      const folder = await newFolder();
      await withRun(folder, "r1");
      const file = await open(join(folder, "tutti.db"), "r+");
      await file.write(Buffer.alloc(4096, 0x5a), 0, 4096, where);
      await file.close();
      await assert.rejects(SqliteStore.open(folder), { code: "storage_corrupt", message: /tutti restore/ });
    });
  }

  test("a path that is a file is refused with what to do", async () => {
    const path = join(await newFolder(), "file");
    await writeFile(path, "x");
    await assert.rejects(SqliteStore.open(path), { code: "storage_unwritable", message: /TUTTI_DATA_DIR/ });
  });
});

describe("sqlite store: a full disk", () => {
  test("what was appended while the disk was full is written once there is room, and nothing before is lost", async () => {
    const folder = await newFolder();
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", folder]);
    try {
      const store = await SqliteStore.open(folder);
      await store.append(log("r1", [started()]));
      const ballast = join(folder, "ballast");
      await writeFile(ballast, Buffer.alloc(8 * 1024 * 1024)).catch((error: NodeJS.ErrnoException) => assert.equal(error.code, "ENOSPC"));
      const waiting = store.append(log("r1", [{ type: "signal.received", name: "s", value: "v".repeat(60_000) }], 1));
      while (store.health().ok) await new Promise((resolve) => setTimeout(resolve, 5));
      const health = store.health();
      assert.ok(!health.ok && health.code === "storage_full");
      await rm(ballast);
      await waiting;
      assert.deepEqual(
        (await store.read("r1", { afterSeq: 0, limit: 9 })).map(({ seq }) => seq),
        [1, 2],
      );
      assert.deepEqual(store.health(), { ok: true });
      await store.close();
    } finally {
      execFileSync("umount", [folder]);
    }
  });
});

describe("sqlite store: order and privacy", () => {
  test("events that follow what the full disk refused wait for it, so that a log keeps its order", async () => {
    const folder = await newFolder();
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", folder]);
    try {
      const store = await SqliteStore.open(folder);
      await store.append(log("r1", [started()]));
      const ballast = join(folder, "ballast");
      await writeFile(ballast, Buffer.alloc(8 * 1024 * 1024)).catch((error: NodeJS.ErrnoException) => assert.equal(error.code, "ENOSPC"));
      const large = Array.from({ length: 3 }, (_, index): EventBody => ({
        type: "signal.received",
        name: String(index),
        value: "v".repeat(60_000),
      }));
      const first = store.append(log("r1", large, 1));
      while (store.health().ok) await new Promise((resolve) => setTimeout(resolve, 5));
      // Small enough to fit where the large one did not.
      const second = store.append(log("r1", [completed], 4));
      const other = store.append(log("r2", [started()]));
      await new Promise((resolve) => setTimeout(resolve, 300));
      await rm(ballast);
      await Promise.all([first, second, other]);
      assert.deepEqual(
        (await store.read("r1", { afterSeq: 0, limit: 9 })).map(({ seq, type }) => [seq, type]),
        [
          [1, "run.started"],
          [2, "signal.received"],
          [3, "signal.received"],
          [4, "signal.received"],
          [5, "run.completed"],
        ],
      );
      await store.close();
    } finally {
      execFileSync("umount", [folder]);
    }
  });

  test("a new data folder and a new backup are their owner's only", async () => {
    const folder = join(await newFolder(), "deep", "data");
    await withRun(folder, "r1");
    const target = join(await newFolder(), "backup");
    await backupStore(folder, target);
    for (const path of [folder, target]) assert.equal((await stat(path)).mode & 0o777, 0o700, path);
  });

  test("a folder that can never be made is refused at once", async () => {
    await assert.rejects(SqliteStore.open("/proc/nothing/data"), { code: "storage_unwritable" });
  });
});

describe("backup and restore", () => {
  test("a backup made while events are written is whole, and a restore brings it back and keeps what was there", async () => {
    const folder = await newFolder();
    const target = join(await newFolder(), "backup");
    const store = await SqliteStore.open(folder);
    await store.append(log("before", [started(), completed]));
    const ref = await store.putBlob("b".repeat(70_000));
    const writing = Array.from({ length: 50 }, (_, index) => store.append(log(`during${index}`, [started()])));
    await store.backup(target);
    await Promise.all(writing);
    await store.append(log("after", [started()]));
    await store.close();
    const kept = await restoreStore(target, folder);
    assert.ok(kept !== undefined && (await readdir(kept)).includes("tutti.db"));
    const restored = await SqliteStore.open(folder);
    assert.equal((await restored.run("before"))?.status, "completed");
    assert.equal(await restored.run("after"), undefined);
    assert.equal((await restored.getBlob(ref)).length, 70_000);
    await restored.close();
  });

  test("a damaged backup is refused before anything is replaced", async () => {
    const folder = await newFolder();
    const target = join(await newFolder(), "backup");
    await withRun(folder, "r1");
    await backupStore(folder, target);
    const file = await open(join(target, "tutti.db"), "r+");
    await file.write(Buffer.alloc(4096, 0x5a), 0, 4096, 8192 * 2);
    await file.close();
    const before = (await stat(join(folder, "tutti.db"))).mtimeMs;
    await assert.rejects(restoreStore(target, folder), { code: "storage_corrupt" });
    assert.equal((await stat(join(folder, "tutti.db"))).mtimeMs, before);
  });

  test("a restore is refused while a Tutti runs on the folder, a backup over an existing folder too", async () => {
    const folder = await newFolder();
    const target = join(await newFolder(), "backup");
    const store = await SqliteStore.open(folder);
    await store.backup(target);
    await assert.rejects(restoreStore(target, folder), { code: "storage_in_use" });
    await assert.rejects(store.backup(target), { code: "conflict" });
    await store.close();
    await assert.rejects(backupStore(await newFolder(), join(folder, "b")), { code: "not_found" });
  });

  test("a folder that holds no backup is refused", async () => {
    const source = await newFolder();
    await mkdir(join(source, "blobs"));
    await cp(import.meta.filename, join(source, "tutti.db"));
    await assert.rejects(restoreStore(source, await newFolder()), { code: "storage_corrupt" });
  });
});

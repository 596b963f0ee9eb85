import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { readBattery } from "./battery-file.ts";
import { checkBattery } from "./check-battery.ts";

/** Cases of which WebAssembly lacks what they are about. No-ops say that they did what they did not: there is no machine behind them. */
const WASM_LACKS: ReadonlySet<string> = new Set([
  "ok-py-workers",
  "daemon-at-timeout-py",
  "net-io-uring-py",
  "vm-read-py",
  "k-clock-py",
  "k-terminal-py",
  "k-realtime-py",
]);

describe("the battery of hostile programs", { concurrency: false }, () => {
  test("without a sandbox its checks fail, so they see what they look for", async () => {
    const { exitCode, failed, notRun } = await checkBattery(["--backend", "none"]);
    assert.equal(exitCode, 1);
    const seen = [
      "net-abstract-py",
      "net-udp-py",
      "fs-hardlink-py",
      "fs-sys-write-py",
      "fs-keep-b-py",
      "proc-py",
      "kill-victim-py",
      "sh-secrets",
    ];
    for (const id of seen) assert.ok(failed.has(id), id);
    assert.ok(notRun.includes("k-cgroup-py"), "what shares the machine's mounts does not run");
  });

  test("bubblewrap holds every case", async () => {
    const { failed, notRun } = await checkBattery(["--backend", "bubblewrap"]);
    assert.deepEqual([...failed], []);
    assert.deepEqual(notRun, []);
  });

  test("Landlock holds every case", async () => {
    const { failed, notRun } = await checkBattery(["--backend", "landlock"]);
    assert.deepEqual([...failed], []);
    assert.deepEqual(notRun, []);
  });

  test("interpreters in WebAssembly hold every case but those that need processes, or that they answer without doing anything", async () => {
    const { failed } = await checkBattery(["--backend", "wasm"]);
    assert.deepEqual(
      [...failed].filter(([id]) => !WASM_LACKS.has(id)),
      [],
    );
    // One that begins to hold has to leave the list.
    assert.deepEqual([...failed.keys()].toSorted(), [...WASM_LACKS].toSorted());
  });

  test("a file that is no battery is refused with the place that is wrong", async () => {
    const folder = await mkdtemp(join(tmpdir(), "tutti-battery-file-"));
    const path = join(folder, "wrong.json");
    await assert.rejects(readBattery(path), { code: "invalid_input", message: /wrong\.json/ });
    const { cases, defaults } = await readBattery(join(import.meta.dirname, "battery.json"));
    await writeFile(path, JSON.stringify({ version: 1, defaults, cases: [{ ...cases[0], mustNot: { listenerHits: true } }] }));
    await assert.rejects(readBattery(path), { code: "invalid_input", message: /listenerHits/ });
    await writeFile(path, JSON.stringify({ version: 1, defaults, cases: [cases[0], cases[0]] }));
    await assert.rejects(readBattery(path), { code: "invalid_input", message: /twice/ });
    await rm(folder, { recursive: true });
  });
});

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test, type TestContext } from "node:test";
import { verifyChain, type Event } from "@tutti/core";
import { eventsOf, Lane, openLog, sha256 } from "./lane.ts";
import { WalTearer } from "./wal.ts";

/** In all, over the lanes below. CI sets 500; TUTTI_CHAOS_SEED repeats what a failure printed. */
const KILLS = Number(process.env["TUTTI_CHAOS_KILLS"] ?? 150);
const TORN_KILLS = Math.round(KILLS * 0.25);
const FULL_KILLS = Math.round(KILLS * 0.1);
const PLAIN_KILLS = KILLS - TORN_KILLS - FULL_KILLS;
/** Servers over sound disks that are killed side by side. */
const PLAIN_LANES = 2;
/** Room enough for the log before it is copied into the database (16 MiB), and the database. */
const FULL_DISK_MIB = 64;

/** Most of a server's start is the compiling of its code, which is the same every time. */
let compileCache = "";

/** A lane over a new folder, which is removed when all went well. */
async function inLane(name: string, context: TestContext, run: (lane: Lane) => Promise<void>): Promise<void> {
  const seed = process.env["TUTTI_CHAOS_SEED"] ?? `${name} ${randomBytes(4).toString("hex")}`;
  const lane = new Lane(await mkdtemp(join(tmpdir(), "tutti-chaos-")), seed);
  await run(lane);
  context.diagnostic(`${lane.kills} kills, ${lane.summary}; seed "${seed}"`);
  await rm(lane.folder, { recursive: true });
}

describe(`${KILLS} kills of a server at random moments, whatever its runs do`, { concurrency: PLAIN_LANES + 2 }, () => {
  before(async () => {
    compileCache = await mkdtemp(join(tmpdir(), "tutti-chaos-cache-"));
    process.env["NODE_COMPILE_CACHE"] = compileCache;
    execFileSync(process.execPath, ["--disable-warning=ExperimentalWarning", join(import.meta.dirname, "warm.ts")]);
  });
  after(() => rm(compileCache, { recursive: true, force: true }));

  for (let lane = 0; lane < PLAIN_LANES; lane += 1) {
    const kills = Math.floor((PLAIN_KILLS + lane) / PLAIN_LANES);
    test(`${kills} on a sound disk: nothing acknowledged is lost, nothing complete runs again, all ends right`, (context) =>
      inLane("plain", context, (plain) => plain.run(kills)));
  }

  test(`${TORN_KILLS} with a torn write-ahead log after each: what was committed before the tear is there, whole, and goes on`, (context) =>
    inLane("torn", context, async (lane) => {
      const tearer = new WalTearer(lane.dataDir, lane.random);
      const tear = async (): Promise<boolean> => {
        await tearer.note();
        const torn = await tearer.tear(join(lane.folder, "survivor"));
        if (torn === undefined) return false;
        assert.deepEqual(readWhole(lane.dataDir), readWhole(torn.survivor), `the log after byte ${torn.at} was ${torn.how}`);
        return true;
      };
      await lane.run(TORN_KILLS, { after: tear });
    }));

  test(`${FULL_KILLS} on a disk that fills up: nothing acknowledged is lost, and runs go on when there is room`, (context) =>
    inLane("full", context, async (lane) => {
      await mkdir(lane.dataDir, { recursive: true });
      execFileSync("mount", ["-t", "tmpfs", "-o", `size=${FULL_DISK_MIB}m`, "tmpfs", lane.dataDir]);
      try {
        const ballast = join(lane.dataDir, "ballast");
        const fill = async (): Promise<void> => {
          await new Promise((resolve) => setTimeout(resolve, lane.random() * 20));
          await writeFile(ballast, Buffer.alloc(FULL_DISK_MIB * 1024 * 1024)).catch((error: NodeJS.ErrnoException) =>
            assert.equal(error.code, "ENOSPC"),
          );
        };
        const makeRoom = async (): Promise<boolean> => {
          await rm(ballast, { force: true });
          return false;
        };
        await lane.run(FULL_KILLS, { during: fill, after: makeRoom });
      } catch (error) {
        await cp(lane.dataDir, join(lane.folder, "kept"), { recursive: true });
        throw error;
      } finally {
        execFileSync("umount", [lane.dataDir]);
      }
    }));
});

/** All events of a database that is whole and whose chains hold. */
function readWhole(dataDir: string): readonly Event[] {
  using db = openLog(dataDir);
  if (db === undefined) return [];
  assert.equal(db.prepare("PRAGMA integrity_check(1)").get()?.["integrity_check"], "ok");
  const events = eventsOf(db, 0);
  for (const [runId, own] of Map.groupBy(events, (event) => event.runId))
    assert.equal(verifyChain(own, own.at(-1)?.hash ?? "", sha256).valid, true, `the chain of ${runId}`);
  return events;
}

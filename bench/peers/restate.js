import { once } from "node:events";
import { createServer } from "node:http2";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createEndpointHandler, service } from "@restatedev/restate-sdk";
import { connect } from "@restatedev/restate-sdk-clients";
import { freePort, startServer } from "./server.js";
import { versionOf } from "./version.js";

const require = createRequire(import.meta.url);

const fiveSteps = service({
  name: "fiveSteps",
  handlers: {
    run: async (/** @type {import("@restatedev/restate-sdk").Context} */ ctx, /** @type {number} */ input) => {
      let sum = input;
      for (const name of ["one", "two", "three", "four", "five"]) sum = await ctx.run(name, () => sum + 1);
      return sum;
    },
  },
});

/**
 * Restate's server from npm, one node, and its SDK in this process.
 * @param {string} folder
 */
export async function open(folder) {
  await using opening = new AsyncDisposableStack();
  const [ingressPort, adminPort, nodePort] = [await freePort(), await freePort(), await freePort()];
  const server = await startServer({
    file: require.resolve(`@restatedev/restate-server-${process.platform}-${process.arch}/bin/restate-server`),
    args: [
      "--no-logo",
      "--base-dir",
      join(folder, "restate"),
      "--node-name",
      "bench",
      "--listen-mode",
      "tcp",
      "--bind-ip",
      "127.0.0.1",
      "--bind-port",
      `${nodePort}`,
    ],
    env: {
      RESTATE_INGRESS__BIND_PORT: `${ingressPort}`,
      RESTATE_ADMIN__BIND_PORT: `${adminPort}`,
      RESTATE_DISABLE_TELEMETRY: "true",
      DO_NOT_TRACK: "1",
      RESTATE_LOG_FORMAT: "compact",
      RUST_LOG: "warn,restate_server=info,restate_core=info,restate_node=info,restate_worker=warn",
    },
    ready: /Restate is listening|Restate Server is ready|is ready|My Node ID/i,
    readyMsMax: 60_000,
  });
  opening.use(server);
  const endpoint = createServer(createEndpointHandler({ services: [fiveSteps], logger: () => undefined })).listen(0, "127.0.0.1");
  await once(endpoint, "listening");
  opening.defer(() => endpoint.close());
  await register(adminPort, /** @type {import("node:net").AddressInfo} */ (endpoint.address()).port);
  const client = connect({ url: `http://127.0.0.1:${ingressPort}` }).serviceClient(fiveSteps);
  await untilAnswers(() => client.run(0));
  const closing = opening.move();
  return {
    name: "restate",
    version: `server ${versionOf("@restatedev/restate-server")}, sdk ${versionOf("@restatedev/restate-sdk")}`,
    settings:
      "one node, all defaults: 24 partitions, replicated loglet of one, write-ahead log with fsync (rocksdb-disable-wal-fsync = false); SDK over HTTP/2 in the caller's process",
    runWorkflow: (/** @type {number} */ input) => client.run(input),
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

/** @param {number} adminPort @param {number} endpointPort */
async function register(adminPort, endpointPort) {
  await untilAnswers(async () => {
    const response = await fetch(`http://127.0.0.1:${adminPort}/deployments`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ uri: `http://127.0.0.1:${endpointPort}` }),
    });
    if (!response.ok) throw new Error(`registering with Restate ended with ${response.status}: ${await response.text()}`);
  });
}

/** A node that has just started answers some requests with errors. @param {() => Promise<unknown>} ask */
async function untilAnswers(ask) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await ask();
    } catch (error) {
      if (attempt === 60) throw error;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}

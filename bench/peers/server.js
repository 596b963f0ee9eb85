// Plain JavaScript, as all in this folder: the peers' types are only there once the peers are installed.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";

const STOP_MS_MAX = 10_000;

/**
 * A port of the loopback that nobody listens on now.
 * @returns {Promise<number>}
 */
export async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  server.close();
  await once(server, "close");
  return port;
}

/**
 * Starts a peer's server and waits until it says that it is ready; disposing stops it, and only it, by its process id.
 * @param {{ file: string, args: readonly string[], env?: Record<string, string>, ready: RegExp, readyMsMax: number }} options
 */
export async function startServer({ file, args, env = {}, ready, readyMsMax }) {
  const child = spawn(file, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  const isReady = Promise.withResolvers();
  const listen = (/** @type {Buffer} */ chunk) => {
    said = `${said}${chunk.toString()}`.slice(-20_000);
    if (ready.test(said)) isReady.resolve(undefined);
  };
  child.stdout.on("data", listen);
  child.stderr.on("data", listen);
  child.once("error", isReady.reject);
  child.once("exit", (code) => isReady.reject(new Error(`${file} ended with ${code}: ${said.slice(-500)}`)));
  const timer = setTimeout(
    () => isReady.reject(new Error(`${file} was not ready after ${readyMsMax} ms: ${said.slice(-500)}`)),
    readyMsMax,
  );
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const killer = setTimeout(() => child.kill("SIGKILL"), STOP_MS_MAX);
    child.kill("SIGTERM");
    await once(child, "exit");
    clearTimeout(killer);
  };
  await isReady.promise
    .catch(async (error) => {
      await stop();
      throw error;
    })
    .finally(() => clearTimeout(timer));
  return { [Symbol.asyncDispose]: stop };
}

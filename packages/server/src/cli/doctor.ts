import { constants } from "node:fs";
import { access, stat, statfs } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname } from "node:path";
import { AppError } from "@tutti/core";
import type { Config } from "../host/config/index.ts";
import {
  checkStore,
  discoverAt,
  findPolicy,
  findRestateServer,
  findServer,
  providersOf,
  readPolicyFiles,
  requirePolicy,
  workspaceWarning,
  type Provider,
} from "../host/index.ts";

/** One thing that was looked at. `detail` says what was found and, where it is not well, what to do. */
export interface Finding {
  readonly name: string;
  readonly status: "ok" | "warn" | "fail";
  readonly detail: string;
}

const NODE_MAJOR_MIN = 24;
const MEBIBYTE = 1_048_576;
const FREE_FAIL_BYTES = 64 * MEBIBYTE;
const FREE_WARN_BYTES = 1024 * MEBIBYTE;
const PROVIDER_TIMEOUT_MS = 3000;
const OLLAMA_URL = "http://127.0.0.1:11434/v1";

/** Looks at everything Tutti needs but its plugins, one finding after the other; never throws for what it finds. */
export async function* examine(config: Config, signal: AbortSignal): AsyncGenerator<Finding> {
  yield nodeVersion();
  yield await dataFolder(config);
  yield await database(config);
  yield* await engine(config, signal);
  yield await port(config);
  yield await toolPolicy(config);
  yield toolSecrets(config);
  yield await workspace(config);
  yield* await models(config, signal);
}

function nodeVersion(): Finding {
  const version = process.versions.node;
  if (Number.parseInt(version, 10) >= NODE_MAJOR_MIN) return { name: "node", status: "ok", detail: version };
  return {
    name: "node",
    status: "fail",
    detail: `wanted ${NODE_MAJOR_MIN} or newer, got ${version}; install it, or run tutti through npm`,
  };
}

async function dataFolder({ dataDir }: Config): Promise<Finding> {
  const name = "data folder";
  const nearest = await nearestFolder(dataDir);
  try {
    await access(nearest, constants.W_OK | constants.X_OK);
  } catch (error) {
    return {
      name,
      status: "fail",
      detail: `${nearest} cannot be written (${AppError.from(error).message}); change its owner, or choose another with TUTTI_DATA_DIR`,
    };
  }
  const { bavail, bsize } = await statfs(nearest);
  const freeBytes = bavail * bsize;
  const free = `${Math.floor(freeBytes / MEBIBYTE).toLocaleString("en")} MiB free`;
  if (freeBytes < FREE_FAIL_BYTES)
    return { name, status: "fail", detail: `${dataDir}: ${free}; runs stop when the disk is full, so make room` };
  return {
    name,
    status: freeBytes < FREE_WARN_BYTES ? "warn" : "ok",
    detail: `${dataDir}: ${free}${nearest === dataDir ? "" : ", made at the first start"}`,
  };
}

async function nearestFolder(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  if (found !== undefined || dirname(path) === path) return path;
  return nearestFolder(dirname(path));
}

async function database(config: Config): Promise<Finding> {
  const name = "database";
  try {
    return { name, status: "ok", detail: await checkStore(config) };
  } catch (error) {
    const { code, message } = AppError.from(error);
    return { name, status: "fail", detail: code === "storage_corrupt" ? `${message}; \`tutti restore\` brings back a backup` : message };
  }
}

/** What runs workflows, and whether it is there. */
async function engine(config: Config, signal: AbortSignal): Promise<readonly Finding[]> {
  const name = "engine";
  const install = "npm install @restatedev/restate-sdk @restatedev/restate-server (224 MB)";
  if (config.engine === "embedded")
    return [
      { name, status: "ok", detail: `embedded, in this process; for many machines: ${install}, then \`tutti up --engine restate-local\`` },
    ];
  if (config.engine === "restate-local") {
    const server = findRestateServer();
    if (server !== undefined) return [{ name, status: "ok", detail: `Restate's server is ${server}` }];
    return [{ name, status: "fail", detail: `restate-local needs Restate's server, which is not installed: ${install}` }];
  }
  const checks = [...config.restateUrls.map((url) => `${url}/restate/health`), ...config.restateAdminUrls.map((url) => `${url}/health`)];
  return Promise.all(
    checks.map(async (url): Promise<Finding> => {
      const bounded = AbortSignal.any([signal, AbortSignal.timeout(PROVIDER_TIMEOUT_MS)]);
      const problem = await fetch(url, { signal: bounded }).then(({ ok, status }) => (ok ? undefined : `status ${status}`), reasonOf);
      if (problem === undefined) return { name, status: "ok", detail: `${url} answers` };
      return { name, status: "fail", detail: `${url} does not answer (${problem}); is the cluster up, and is the address right?` };
    }),
  );
}

/** The policy as a start would read it, without the names of plugins' tools. */
async function toolPolicy({ toolPolicyPath, dataDir }: Config): Promise<Finding> {
  const name = "tool policy";
  const path = toolPolicyPath ?? (await findPolicy(process.cwd(), dataDir));
  if (path === undefined) return { name, status: "ok", detail: "none, so only safe tools and those in toolsAllow may be called" };
  try {
    const { rules } = requirePolicy(await readPolicyFiles(path));
    return { name, status: "ok", detail: `${path}: ${rules.length} rules` };
  } catch (error) {
    return { name, status: "fail", detail: `${path} is not right, and nothing is allowed until it is: ${AppError.from(error).message}` };
  }
}

/** Which secrets of tools are not there. Whatever needs none of them works. */
function toolSecrets({ toolSecrets: secrets }: Config): Finding {
  const name = "tool secrets";
  const missing = secrets.filter(({ value }) => value === undefined).map((secret) => `${secret.name} (${secret.env ?? "no variable"})`);
  if (missing.length === 0) return { name, status: "ok", detail: secrets.length === 0 ? "none is named" : `${secrets.length} are set` };
  return { name, status: "warn", detail: `not set: ${missing.join(", ")}; tools that sign in with them are refused until they are` };
}

/** Whether file tools have a folder of their own. */
async function workspace(config: Config): Promise<Finding> {
  const name = "workspace";
  const warning = await workspaceWarning(config, { baseDir: process.cwd() });
  if (warning !== undefined) return { name, status: "warn", detail: warning };
  return { name, status: "ok", detail: config.workspaceDir ?? "none, so file tools have nothing to work in" };
}

async function port(config: Config): Promise<Finding> {
  const where = `${config.host}:${config.port}`;
  const server = await findServer(config.dataDir);
  if (server !== undefined) return { name: "port", status: "ok", detail: `Tutti answers on ${server.url} (pid ${server.pid})` };
  const { promise, resolve } = Promise.withResolvers<Finding>();
  const probe = createServer();
  probe.once("error", (error: NodeJS.ErrnoException) => {
    const taken = `${where} is taken by another program; stop that, or choose another port with TUTTI_PORT`;
    resolve({
      name: "port",
      status: "fail",
      detail: error.code === "EADDRINUSE" ? taken : `cannot listen on ${where}: ${error.message}; set TUTTI_HOST and TUTTI_PORT`,
    });
  });
  probe.listen({ host: config.host, port: config.port }, () =>
    probe.close(() => resolve({ name: "port", status: "ok", detail: `${where} is free` })),
  );
  return promise;
}

async function models(config: Config, signal: AbortSignal): Promise<readonly Finding[]> {
  // What embeds in this process is always there, and can be asked nothing else.
  const servers = providersOf(config).filter(({ kind }) => kind !== "local-embeddings");
  if (servers.length > 0) return Promise.all(servers.map((server) => provider(server, signal)));
  const found = await listModels({ name: "ollama", baseUrl: OLLAMA_URL, models: [] }, signal).catch(() => undefined);
  if (found === undefined)
    return [
      {
        name: "models",
        status: "warn",
        detail:
          "none is configured and no Ollama answers on this machine; agents answer by fixed rules. Set TUTTI_MODEL_BASE_URL and TUTTI_MODEL",
      },
    ];
  const [first = "llama3.2"] = found;
  const pull = found.length === 0 ? ` after \`ollama pull ${first}\`` : "";
  return [
    {
      name: "models",
      status: "warn",
      detail: `none is configured, but an Ollama answers here; use it with TUTTI_MODEL_BASE_URL=${OLLAMA_URL} TUTTI_MODEL=${first}${pull}`,
    },
  ];
}

async function provider(server: Provider, signal: AbortSignal): Promise<Finding> {
  const name = `models of ${server.name}`;
  try {
    const ids = await listModels(server, signal);
    return { name, status: "ok", detail: `${whereOf(server)} answers with ${ids.length} models` };
  } catch (error) {
    return {
      name,
      status: "fail",
      detail: `${whereOf(server)} does not answer (${reasonOf(error)}); is it running, and are its URL and key right?`,
    };
  }
}

const whereOf = ({ baseUrl, kind = "it" }: Provider): string => baseUrl ?? kind;

async function listModels(server: Provider, signal: AbortSignal): Promise<readonly string[]> {
  const facts = await discoverAt(server, AbortSignal.any([signal, AbortSignal.timeout(PROVIDER_TIMEOUT_MS)]));
  return facts.map(({ name }) => name);
}

function reasonOf(error: unknown): string {
  if (error instanceof Error && error.name === "TimeoutError") return `nothing within ${PROVIDER_TIMEOUT_MS / 1000} s`;
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error && "code" in cause ? String(cause.code) : AppError.from(cause).message;
}

import { join, relative, resolve } from "node:path";
import { AppError } from "@tutti/core";
import { readSecret, type McpAuthSetting, type McpServerSetting } from "../config/index.ts";
import type { HttpAuth, Place, Reach, ServerSpec } from "../../mcp/index.ts";

/** What paths count from, and where a login comes back to. */
interface Surroundings {
  readonly baseDir: string;
  /** Holds the volumes of jails. */
  readonly jailsDir: string;
  readonly redirectUrl: string;
}

/** A server as it is used, for one as the configuration has it: secrets read, paths whole. Throws `invalid_config` for a secret that is not set. */
export function specOf(setting: McpServerSetting, around: Surroundings): ServerSpec {
  return {
    ...setting,
    canSample: setting.samplingModel !== undefined,
    roots: setting.roots.map((path) => resolve(around.baseDir, path)),
    reach: reachOf(setting, around),
  };
}

function reachOf(setting: McpServerSetting, around: Surroundings): Reach {
  if (setting.url !== undefined) return { type: "http", url: setting.url, auth: authOf(setting.auth, around.redirectUrl) };
  const secrets = Object.entries(setting.envFrom).map(([name, variable]) => [name, readSecret(variable)] as const);
  return {
    type: "stdio",
    // The schema gives one or the other.
    command: setting.command ?? "",
    args: setting.args,
    env: { ...setting.env, ...Object.fromEntries(secrets) },
    place: placeOf(setting, around),
  };
}

function placeOf({ name, isolation, cwd, jail = {}, ...setting }: McpServerSetting, { baseDir, jailsDir }: Surroundings): Place {
  if (isolation === "process") return { type: "process", cwd: resolve(baseDir, cwd ?? ".") };
  const mounts = setting.mounts.map(({ path, isWritable }) => ({ path: resolve(baseDir, path), isWritable }));
  const folder = cwd === undefined ? undefined : resolve(baseDir, cwd);
  if (folder !== undefined && mounts.every(({ path }) => relative(path, folder).startsWith("..")))
    throw new AppError("invalid_config", `wanted cwd of the MCP server "${name}" in one of its mounts, got ${folder}; mount that folder`);
  const { volumeBytes, lifetimeMs, memoryBytes, cpus, processesMax } = jail;
  return {
    type: "jail",
    mounts,
    ...(folder !== undefined && { cwd: folder }),
    bounds: {
      ...(volumeBytes !== undefined && { volume: { path: join(jailsDir, name), quotaBytes: volumeBytes } }),
      ...(lifetimeMs !== undefined && { lifetimeMs }),
      limits: {
        ...(memoryBytes !== undefined && { memoryBytes }),
        ...(cpus !== undefined && { cpus }),
        ...(processesMax !== undefined && { processesMax }),
      },
    },
  };
}

function authOf(auth: McpAuthSetting | undefined, redirectUrl: string): HttpAuth {
  switch (auth?.type) {
    case undefined:
      return { type: "none" };
    case "bearer":
      return { type: "bearer", token: readSecret(auth.tokenEnv) };
    case "client-credentials": {
      const { clientId, clientSecretEnv, issuer, scope } = auth;
      return { type: "client-credentials", clientId, clientSecret: readSecret(clientSecretEnv), issuer, scope };
    }
    case "oauth": {
      const { clientId, clientSecretEnv, scope } = auth;
      const clientSecret = clientSecretEnv === undefined ? undefined : readSecret(clientSecretEnv);
      return { type: "oauth", clientId, clientSecret, scope, redirectUrl };
    }
  }
}

import { resolve } from "node:path";
import { readSecret, type McpAuthSetting, type McpServerSetting } from "../config/index.ts";
import type { HttpAuth, Reach, ServerSpec } from "../../mcp/index.ts";

/** A server as it is used, for one as the configuration has it: secrets read, paths whole. Throws `invalid_config` for a secret that is not set. */
export function specOf(
  setting: McpServerSetting,
  { baseDir, redirectUrl }: { readonly baseDir: string; readonly redirectUrl: string },
): ServerSpec {
  const { name, tools, effects, isTrusted, samplingModel, callTimeoutMs, connectTimeoutMs, idleTimeoutMs, requestsPerSecond, parallelMax } =
    setting;
  return {
    name,
    tools,
    effects,
    isTrusted,
    canSample: samplingModel !== undefined,
    roots: setting.roots.map((path) => resolve(baseDir, path)),
    callTimeoutMs,
    connectTimeoutMs,
    idleTimeoutMs,
    requestsPerSecond,
    parallelMax,
    reach: reachOf(setting, { baseDir, redirectUrl }),
  };
}

function reachOf(setting: McpServerSetting, { baseDir, redirectUrl }: { readonly baseDir: string; readonly redirectUrl: string }): Reach {
  if (setting.url !== undefined) return { type: "http", url: setting.url, auth: authOf(setting.auth, redirectUrl) };
  const secrets = Object.entries(setting.envFrom).map(([name, variable]) => [name, readSecret(variable)] as const);
  return {
    type: "stdio",
    // The schema gives one or the other.
    command: setting.command ?? "",
    args: setting.args,
    cwd: resolve(baseDir, setting.cwd ?? "."),
    env: { ...setting.env, ...Object.fromEntries(secrets) },
    isolation: setting.isolation,
    mounts: setting.mounts.map(({ path, isWritable }) => ({ path: resolve(baseDir, path), isWritable })),
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

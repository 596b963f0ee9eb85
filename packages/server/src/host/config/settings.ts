import { choice, flag, list, optionalPath, optionalText, readBoolean, text, whole, type Setting } from "./setting.ts";
import type { QueueConfig } from "@tutti/core";
import { budgets, onRedisLoss, redisUrl, type BudgetsConfig } from "./budgets.ts";
import { cache, type CacheSetting } from "./cache.ts";
import { guardrails, type GuardrailSetting } from "./guardrails.ts";
import { mcp, mcpServers, type McpServerSetting, type McpSetting } from "./mcp.ts";
import { modelRoutes, type ModelRouteConfig } from "./model-routes.ts";
import { pluginOptions, type PluginOptions } from "./plugin-options.ts";
import { providers, type ProviderConfig } from "./providers.ts";
import { queues } from "./queues.ts";
import { engineSocket, jailsDir, sandbox, sandboxLevel, sandboxOptions, type SandboxChoice, type SandboxSetting } from "./sandbox.ts";
import {
  routerPolicyPath,
  routerPolicyShadowPath,
  taintExceptions,
  taintPolicy,
  toolResults,
  type TaintException,
  type ToolResults,
} from "./untrusted.ts";
import { httpHosts, toolSecrets, webPrivateAllow, webSearchUrl, workspaceDir, type ToolSecret } from "./tools.ts";
import { webhooks, type WebhookConfig } from "./webhooks.ts";

const MEBIBYTE = 1_048_576;
const HOUR_MS = 3_600_000;

// Without a user and password, which would be shown wherever the URL is.
const HTTP_URL = /^https?:\/\/[^\s/@]+(?:\/\S*)?$/;

/** Every key of the configuration, in the order in which people read of them. */
export const SETTINGS = {
  host: text({
    env: "TUTTI_HOST",
    default: "127.0.0.1",
    description: "The address to listen on. Other machines can reach Tutti only when it is not a loopback address.",
    valid: "an IP address or a host name",
    shape: /^[\w.:[\]-]{1,255}$/,
  }),
  port: whole({ env: "TUTTI_PORT", default: 8088, min: 0, max: 65_535, description: "The port to listen on. 0 takes any that is free." }),
  publicPath: text({
    env: "TUTTI_PUBLIC_PATH",
    default: "",
    description:
      "The path that a proxy puts before everything of Tutti's and takes away again, as in `/tutti`; the console's links begin with it.",
    valid: "nothing, or a path that begins with / and ends without one",
    shape: /^(?:\/[\w.~-]+)*$/,
  }),
  consoleDir: optionalPath({
    env: "TUTTI_CONSOLE_DIR",
    description: "The folder of the built web console; the one that `npm run console:build` makes unless set.",
  }),
  dataDir: text({
    env: "TUTTI_DATA_DIR",
    default: "./.tutti",
    description: "The folder that holds everything Tutti keeps.",
    valid: "a path",
    shape: /^[^\0]+$/,
    isPath: true,
  }),
  store: choice({
    env: "TUTTI_STORE",
    default: "sqlite",
    values: ["sqlite", "postgres"],
    description: "Where runs are kept: in one file of `dataDir`, or in a PostgreSQL database that several nodes may share (`postgresUrl`).",
  }),
  postgresUrl: optionalText({
    env: "TUTTI_POSTGRES_URL",
    description: "The database for `store: postgres`, with user and password; further options as in libpq, such as `?sslmode=verify-full`.",
    valid: "a URL that begins with postgres://",
    shape: /^postgres(?:ql)?:\/\/\S+$/,
    isSecret: true,
  }),
  token: optionalText({
    env: "TUTTI_TOKEN",
    description: "The bearer token that requests must carry. Without it, one is made at the first start and printed once.",
    valid: "16 to 512 characters without spaces",
    shape: /^[\x21-\x7e]{16,512}$/,
    isSecret: true,
  }),
  auth: choice({
    env: "TUTTI_AUTH",
    default: "token",
    values: ["token", "none"],
    description: "Whether requests need the token. `none` is refused unless `host` is a loopback address.",
  }),
  logLevel: choice({
    env: "TUTTI_LOG_LEVEL",
    default: "info",
    values: ["fatal", "error", "warn", "info", "debug", "trace", "silent"],
    description: "The least important lines that are logged.",
    alias: { env: "LOG_LEVEL", read: (raw) => ({ critical: "fatal", warning: "warn" })[raw.toLowerCase()] ?? raw.toLowerCase() },
  }),
  logFormat: choice({
    env: "TUTTI_LOG_FORMAT",
    default: "auto",
    values: ["auto", "json", "pretty"],
    description: "How log lines look. `auto` is pretty on a terminal and JSON elsewhere.",
  }),
  accessLog: flag({
    env: "TUTTI_ACCESS_LOG",
    default: true,
    description: "Whether every request is logged.",
    alias: { env: "DISABLE_ACCESS_LOG", read: negated },
  }),
  probeLog: flag({
    env: "TUTTI_PROBE_LOG",
    default: false,
    description: "Whether requests of health probes are logged too.",
    alias: { env: "SUPPRESS_HEALTH_LOGS", read: negated },
  }),
  requestBytesMax: whole({
    env: "TUTTI_REQUEST_BYTES_MAX",
    default: 8 * MEBIBYTE,
    min: 1_024,
    max: 1_024 * MEBIBYTE,
    description: "Larger request bodies are refused.",
  }),
  uploadBytesMax: whole({
    env: "TUTTI_UPLOAD_BYTES_MAX",
    default: 64 * MEBIBYTE,
    min: 1_024,
    max: 1_024 * MEBIBYTE,
    description: "Larger uploads of sound, pictures and batch files are refused.",
  }),
  requestDepthMax: whole({
    env: "TUTTI_REQUEST_DEPTH_MAX",
    default: 128,
    min: 1,
    max: 512,
    description: "JSON that is nested deeper is refused.",
  }),
  headerBytesMax: whole({
    env: "TUTTI_HEADER_BYTES_MAX",
    default: 16_384,
    min: 1_024,
    max: MEBIBYTE,
    description: "Larger request headers are refused.",
  }),
  headersTimeoutMs: whole({
    env: "TUTTI_HEADERS_TIMEOUT_MS",
    default: 10_000,
    min: 100,
    max: HOUR_MS,
    description: "How long a client may take to send its headers.",
  }),
  requestTimeoutMs: whole({
    env: "TUTTI_REQUEST_TIMEOUT_MS",
    default: 60_000,
    min: 100,
    max: HOUR_MS,
    description: "How long a client may take to send its whole request.",
  }),
  keepAliveTimeoutMs: whole({
    env: "TUTTI_KEEP_ALIVE_TIMEOUT_MS",
    default: 5_000,
    min: 0,
    max: HOUR_MS,
    description: "How long an idle connection is kept.",
  }),
  connectionsMax: whole({
    env: "TUTTI_CONNECTIONS_MAX",
    default: 1_000,
    min: 1,
    max: 1_000_000,
    description: "More connections at the same time are refused.",
  }),
  rateLimitPerSecond: whole({
    env: "TUTTI_RATE_LIMIT_PER_SECOND",
    default: 500,
    min: 1,
    max: 1_000_000,
    description: "How many requests a client may make each second, on average.",
  }),
  rateLimitBurst: whole({
    env: "TUTTI_RATE_LIMIT_BURST",
    default: 1_000,
    min: 1,
    max: 1_000_000,
    description: "How many requests a client may make at once.",
  }),
  shutdownGraceMs: whole({
    env: "TUTTI_SHUTDOWN_GRACE_MS",
    default: 10_000,
    min: 0,
    max: HOUR_MS,
    description: "How long running steps may take to finish when Tutti stops. The rest goes on at the next start.",
  }),
  runsActiveMax: whole({
    env: "TUTTI_RUNS_ACTIVE_MAX",
    default: 10_000,
    min: 1,
    max: 1_000_000,
    description: "More runs at the same time are refused.",
  }),
  plugins: list({
    env: "TUTTI_PLUGINS",
    default: ["holly"],
    item: "plugin name or path",
    items: "plugin names or paths",
    description: "The plugins to load, by name or by a path that begins with `.` or `/`.",
    isPath: true,
  }),
  pluginsDir: optionalPath({
    env: "TUTTI_PLUGINS_DIR",
    description:
      "The folder whose plugins can be enabled (`tutti plugins`), each in a process of its own. `plugins` in `dataDir` unless set.",
  }),
  pluginOptions,
  modelBaseUrl: optionalText({
    env: "TUTTI_MODEL_BASE_URL",
    description: "A server of models that speaks OpenAI's protocol, such as `http://127.0.0.1:11434/v1` for Ollama.",
    valid: "an http or https URL without a password",
    shape: HTTP_URL,
  }),
  modelApiKey: optionalText({
    env: "TUTTI_MODEL_API_KEY",
    description: "The key for `modelBaseUrl`.",
    valid: "a text without line breaks",
    shape: /^[^\r\n]+$/,
    isSecret: true,
  }),
  model: optionalText({
    env: "TUTTI_MODEL",
    description: "The model that agents use by default, such as `llama3.2`.",
    valid: "a model's name",
    shape: /^\S.{0,255}$/,
  }),
  providers,
  models: modelRoutes,
  cache,
  guardrails,
  budgets,
  redisUrl,
  onRedisLoss,
  toolsAllow: list({
    env: "TUTTI_TOOLS_ALLOW",
    default: [],
    item: "tool name",
    items: "tool names",
    description: "Tools that may be called besides the safe built-in ones.",
  }),
  routerPolicyPath,
  routerPolicyShadowPath,
  taintPolicy,
  taintExceptions,
  toolResults,
  workspaceDir,
  webSearchUrl,
  webPrivateAllow,
  httpHosts,
  toolSecrets,
  sandbox,
  sandboxLevel,
  sandboxOptions,
  engineSocket,
  jailsDir,
  toolPolicyPath: optionalPath({
    env: "TUTTI_TOOL_POLICY_PATH",
    description:
      "The tool policy: a YAML file of rules, or a folder of such files. Without it, `tool_policy.yaml` where Tutti is started or in `dataDir`, if it is there.",
  }),
  shadowPolicyPath: optionalPath({
    env: "TUTTI_SHADOW_POLICY_PATH",
    description: "A second tool policy that decides beside the first without acting; where they differ is listed by `tutti policy shadow`.",
  }),
  webhooks,
  queues,
  mcp,
  mcpServers,
  retentionDays: whole({
    env: "TUTTI_RETENTION_DAYS",
    default: 0,
    min: 0,
    max: 36_500,
    description: "Runs that ended longer ago are removed, looked for once an hour. 0 keeps them for ever.",
  }),
  archiveDir: optionalPath({
    env: "TUTTI_ARCHIVE_DIR",
    description: "The folder where the logs of removed runs are kept, as gzipped JSON lines. Without it they are not.",
  }),
  engine: choice({
    env: "TUTTI_ENGINE",
    default: "embedded",
    values: ["embedded", "restate", "restate-local"],
    description:
      "What runs workflows: this process alone, a Restate cluster (`restateUrls`), or a Restate server that Tutti starts on this machine.",
  }),
  restateUrls: list({
    env: "TUTTI_RESTATE_URL",
    default: [],
    item: "URL",
    items: "URLs",
    description: "Where Restate takes requests (its ingress), for `engine: restate`. With several, the others are tried when one is down.",
  }),
  restateAdminUrls: list({
    env: "TUTTI_RESTATE_ADMIN_URL",
    default: [],
    item: "URL",
    items: "URLs",
    description: "Where Restate is administered; Tutti registers itself there as a worker.",
  }),
  restateIdentityKey: optionalText({
    env: "TUTTI_RESTATE_IDENTITY_KEY",
    description: "The public key with which Restate signs its requests to Tutti; unsigned ones are refused when it is set.",
    valid: "a key that begins with publickeyv1_",
    shape: /^publickeyv1_\w+$/,
  }),
  restateListenHost: text({
    env: "TUTTI_RESTATE_LISTEN_HOST",
    default: "127.0.0.1",
    description: "The address on which Tutti takes Restate's requests.",
    valid: "an IP address or a host name",
    shape: /^[\w.:[\]-]{1,255}$/,
  }),
  restateListenPort: whole({
    env: "TUTTI_RESTATE_LISTEN_PORT",
    default: 0,
    min: 0,
    max: 65_535,
    description: "The port on which Tutti takes Restate's requests. 0 takes any that is free.",
  }),
  restateWorkerUrl: optionalText({
    env: "TUTTI_RESTATE_WORKER_URL",
    description: "Where Restate reaches this worker, when that is not where it listens.",
    valid: "an http or https URL without a password",
    shape: HTTP_URL,
  }),
} as const;

/** The name of a setting. */
export type Key = keyof typeof SETTINGS;

/** The configuration, checked. What is not set and has no default is `undefined`. */
export type Config = {
  readonly [
    K in Exclude<
      Key,
      | "providers"
      | "models"
      | "cache"
      | "guardrails"
      | "budgets"
      | "webhooks"
      | "queues"
      | "sandbox"
      | "sandboxOptions"
      | "taintExceptions"
      | "toolResults"
      | "toolSecrets"
      | "mcp"
      | "mcpServers"
      | "pluginOptions"
    >
  ]: (typeof SETTINGS)[K] extends Setting<infer T> ? T : never;
} & {
  readonly providers: readonly ProviderConfig[];
  readonly models: readonly ModelRouteConfig[];
  readonly cache: CacheSetting | undefined;
  readonly sandbox: SandboxChoice;
  readonly sandboxOptions: SandboxSetting;
  readonly guardrails: readonly GuardrailSetting[];
  readonly budgets: BudgetsConfig;
  readonly webhooks: readonly WebhookConfig[];
  readonly toolSecrets: readonly ToolSecret[];
  readonly queues: readonly QueueConfig[];
  readonly taintExceptions: readonly TaintException[];
  readonly toolResults: ToolResults;
  readonly mcp: McpSetting;
  readonly mcpServers: readonly McpServerSetting[];
  readonly pluginOptions: readonly PluginOptions[];
};

/** All keys with their settings. */
export const KEYS = Object.keys(SETTINGS) as readonly Key[];

/** The variable that names the file. It is no key of the file itself. */
export const CONFIG_FILE_ENV = "TUTTI_CONFIG";

function negated(raw: string): unknown {
  const value = readBoolean(raw);
  return typeof value === "boolean" ? !value : value;
}

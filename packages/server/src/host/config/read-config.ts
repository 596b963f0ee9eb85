import { isIPv4 } from "node:net";
import { isAbsolute, resolve } from "node:path";
import { AppError } from "@tutti/core";
import type { z } from "zod";
import { didYouMean } from "@tutti/core/graph";
import {
  aliasLayer,
  fileLayer,
  flagsLayer,
  readDotEnv,
  valuesLayer,
  variablesLayer,
  type Found,
  type Layer,
  type Variables,
} from "./layer.ts";
import type { Setting } from "./setting.ts";
import { CONFIG_FILE_ENV, KEYS, SETTINGS, type Config, type Key } from "./settings.ts";
import { CACHE_KEYS } from "./cache.ts";
import { GUARDRAIL_KEYS } from "./guardrails.ts";
import { BUDGETS_KEYS } from "./budgets.ts";
import { MCP_KEYS, MCP_SERVER_KEYS } from "./mcp.ts";
import { ROUTE_KEYS } from "./model-routes.ts";
import { PLUGIN_OPTIONS_KEYS, withPluginSecrets, type PluginOptionsSetting } from "./plugin-options.ts";
import { PROVIDER_KEYS, type ProviderConfig, type ProviderSetting } from "./providers.ts";
import { QUEUE_KEYS } from "./queues.ts";
import { SANDBOX_KEYS } from "./sandbox.ts";
import { TAINT_EXCEPTION_KEYS, TOOL_RESULTS_KEYS } from "./untrusted.ts";
import { HTTP_HOST_KEYS, readToolSecrets, TOOL_SECRET_KEYS } from "./tools.ts";
import { WEBHOOK_KEYS, withSecrets, type WebhookSetting } from "./webhooks.ts";

const SHOWN_CHARACTERS_MAX = 60;

/** What a configuration is read from. `flags` are named like the keys, and `config` is the path of the file. */
export interface ConfigInput {
  readonly flags: Readonly<Record<string, unknown>>;
  readonly env: Variables;
  readonly cwd: string;
  /** Leaves out what names secrets, so that none has to be there: for whoever only looks where a server is. */
  readonly isWithoutSecrets?: boolean;
}

/** A configuration and, for each key, where its value comes from: `default`, `tutti.yaml:3:9`, `.env:4`, `environment TUTTI_PORT` or `--port`. */
export interface ConfigReading {
  readonly config: Config;
  readonly sources: Readonly<Record<Key, string>>;
  /** The file that was read, if any. */
  readonly file: string | undefined;
}

/**
 * The configuration: defaults, over which goes the file, over that the `.env` file and the environment, over that the flags. Every value is
 * checked, also one that another overrides. Throws one `invalid_config` that names every problem, one on each line.
 */
export function readConfig({ flags, env, cwd, isWithoutSecrets = false }: ConfigInput): ConfigReading {
  const environment = { variables: env, place: (name: string) => `environment ${name}`, cwd };
  const dotEnv = readDotEnv(cwd);
  const path = [flags["config"], env[CONFIG_FILE_ENV], dotEnv.variables[CONFIG_FILE_ENV]].find(
    (one) => typeof one === "string" && one !== "",
  );
  const file = fileLayer(path as string | undefined, cwd);
  const layers = [
    flagsLayer(flags, cwd),
    variablesLayer(environment),
    variablesLayer(dotEnv),
    { problems: dotEnv.problems },
    aliasLayer(environment),
    aliasLayer(dotEnv),
    file,
  ];
  return { ...merge(layers, { variables: { ...dotEnv.variables, ...env }, cwd, isWithoutSecrets }), file: file.path };
}

/** The defaults with some values of the caller's own, checked like any other. Reads no file and no environment. */
export function configFrom(values: Partial<Config>, cwd: string): Config {
  return merge([valuesLayer(values, cwd)], { variables: {}, cwd, isWithoutSecrets: false }).config;
}

function merge(
  layers: readonly Partial<Layer>[],
  { variables, cwd, isWithoutSecrets }: { readonly variables: Variables; readonly cwd: string; readonly isWithoutSecrets: boolean },
): Pick<ConfigReading, "config" | "sources"> {
  const problems = layers.flatMap((layer) => layer.problems ?? []);
  const values: Record<string, unknown> = {};
  const sources: Record<string, string> = {};
  for (const key of KEYS) {
    const setting: Setting<unknown> = SETTINGS[key];
    const found = layers.flatMap((layer) => layer.find?.(key) ?? []);
    const read = found.map((one) => check(key, one, problems));
    values[key] = found.length === 0 ? resolvedPaths(setting, setting.default, cwd) : read[0];
    sources[key] = found[0]?.source([]) ?? "default";
  }
  problems.push(...contradictions(values, sources));
  const secretive = isWithoutSecrets ? NO_SECRETS : withSecretValues(values, variables, problems);
  if (problems.length > 0) throw new AppError("invalid_config", problems.join("\n"));
  return {
    config: { ...values, ...secretive } as unknown as Config,
    sources: sources as Record<Key, string>,
  };
}

type Secretive = Pick<Config, "providers" | "webhooks" | "toolSecrets" | "pluginOptions">;

const NO_SECRETS: Secretive = { providers: [], webhooks: [], toolSecrets: [], pluginOptions: [] };

/** What names secrets, with the secrets that the variables hold. */
function withSecretValues(values: Readonly<Record<string, unknown>>, variables: Variables, problems: string[]): Secretive {
  const isLocal = typeof values["host"] === "string" && isLoopback(values["host"]);
  return {
    providers: keyed(values["providers"], variables, problems),
    webhooks: withSecrets((values["webhooks"] ?? []) as readonly WebhookSetting[], { variables, isLoopback: isLocal }, problems),
    toolSecrets: readToolSecrets((values["toolSecrets"] ?? []) as Parameters<typeof readToolSecrets>[0], variables, problems),
    pluginOptions: withPluginSecrets((values["pluginOptions"] ?? []) as readonly PluginOptionsSetting[], variables, problems),
  };
}

function check(key: Key, { raw, source, baseDir }: Found, problems: string[]): unknown {
  const setting: Setting<unknown> = SETTINGS[key];
  const value = typeof raw === "string" ? setting.read(raw) : raw;
  const result = setting.schema.safeParse(value);
  if (result.success) return resolvedPaths(setting, result.data, baseDir);
  const isWhole = result.error.issues.some(({ path, code }) => path.length === 0 && code !== "unrecognized_keys");
  if (isWhole) problems.push(`${key} must be ${setting.valid}, got ${shown(raw, setting.isSecret)} (${source([])})`);
  else problems.push(...result.error.issues.flatMap((issue) => inside(key, issue, { raw: value, source, baseDir })));
  return undefined;
}

/** What the items of lists may hold. */
const LIST_KEYS: Readonly<Partial<Record<Key, readonly string[]>>> = {
  providers: PROVIDER_KEYS,
  taintExceptions: TAINT_EXCEPTION_KEYS,
  toolResults: TOOL_RESULTS_KEYS,
  models: ROUTE_KEYS,
  budgets: BUDGETS_KEYS,
  cache: CACHE_KEYS,
  guardrails: GUARDRAIL_KEYS,
  webhooks: WEBHOOK_KEYS,
  queues: QUEUE_KEYS,
  sandboxOptions: SANDBOX_KEYS,
  httpHosts: HTTP_HOST_KEYS,
  toolSecrets: TOOL_SECRET_KEYS,
  mcp: MCP_KEYS,
  mcpServers: MCP_SERVER_KEYS,
  pluginOptions: PLUGIN_OPTIONS_KEYS,
};

/** What is wrong inside a list. */
function inside(key: Key, issue: z.core.$ZodIssue, { raw, source }: Found): readonly string[] {
  const name = [key, ...issue.path.map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`))].join("");
  if (issue.code === "unrecognized_keys") {
    const known = LIST_KEYS[key] ?? [];
    return issue.keys.map(
      (unknown) =>
        `${name}.${unknown} is not a setting, did you mean ${didYouMean(unknown, known) ?? `one of ${known.join(", ")}`}? (${source([...issue.path, unknown])})`,
    );
  }
  const value = issue.path.reduce<unknown>((part, step) => (part as Record<PropertyKey, unknown> | undefined)?.[step], raw);
  return [`${name} must be ${issue.message}, got ${shown(value, issue.path.at(-1) === "apiKey")} (${source(issue.path)})`];
}

/** What is wrong between keys that are right by themselves. Keys that are wrong are `undefined` here and cannot contradict. */
function contradictions(values: Readonly<Record<string, unknown>>, sources: Readonly<Record<string, string>>): readonly string[] {
  const problems: string[] = [];
  const place = (key: Key): string => `(${sources[key] ?? ""})`;
  if (values["auth"] === "none" && typeof values["host"] === "string" && !isLoopback(values["host"])) {
    problems.push(
      `auth must be token where other machines can connect, got none ${place("auth")} with host ${values["host"]} ${place("host")}; use host 127.0.0.1 or auth token`,
    );
  }
  if (Number(values["headersTimeoutMs"]) > Number(values["requestTimeoutMs"])) {
    problems.push(
      `headersTimeoutMs must be at most requestTimeoutMs, got ${String(values["headersTimeoutMs"])} ${place("headersTimeoutMs")} and ${String(values["requestTimeoutMs"])} ${place("requestTimeoutMs")}`,
    );
  }
  if (values["store"] === "postgres" && values["postgresUrl"] === undefined && sources["postgresUrl"] === "default")
    problems.push(`store: postgres needs postgresUrl, the database it uses, got none ${place("store")}`);
  for (const key of ["restateUrls", "restateAdminUrls"] as const) {
    const urls = values[key];
    if (values["engine"] === "restate" && Array.isArray(urls) && urls.length === 0)
      problems.push(`engine: restate needs ${key}, addresses of a cluster, got none ${place("engine")}; or use restate-local`);
  }
  if (values["modelApiKey"] !== undefined && values["modelBaseUrl"] === undefined && sources["modelBaseUrl"] === "default") {
    problems.push(`modelApiKey needs modelBaseUrl, the server it is for, got none ${place("modelApiKey")}`);
  }
  return problems;
}

/** The providers with their keys, where a variable holds them. */
function keyed(providers: unknown, variables: Variables, problems: string[]): readonly ProviderConfig[] {
  const list = (providers ?? []) as readonly ProviderSetting[];
  return list.map(({ apiKey, apiKeyEnv, ...provider }, index) => {
    const name = `providers[${index}]`;
    const key = apiKeyEnv === undefined ? apiKey : variables[apiKeyEnv];
    if (list.findIndex((other) => other.name === provider.name) < index)
      problems.push(`${name}.name must be a name of its own, got ${provider.name} again`);
    if (
      provider.baseUrl === undefined &&
      (provider.kind ?? "openai-compatible") === "openai-compatible" &&
      provider.options?.["preset"] === undefined
    )
      problems.push(`${name} must have a baseUrl, or a kind that knows its own, such as openai, got neither`);
    if (apiKey !== undefined && apiKeyEnv !== undefined) problems.push(`${name} must have apiKey or apiKeyEnv, got both`);
    if (apiKeyEnv !== undefined && (key === undefined || key === ""))
      problems.push(`${name}.apiKeyEnv must name a variable that is set, got ${apiKeyEnv}, which is not`);
    return { ...provider, ...(key !== undefined && { apiKey: key }) };
  });
}

function resolvedPaths(setting: Setting<unknown>, value: unknown, baseDir: string): unknown {
  if (setting.isPath !== true || value === undefined) return value;
  if (typeof value === "string") return resolve(baseDir, value);
  // Plugins are named or have a path, which begins with a dot or a slash.
  return (value as readonly string[]).map((item) => (item.startsWith(".") || isAbsolute(item) ? resolve(baseDir, item) : item));
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host === "[::1]" || (isIPv4(host) && host.startsWith("127."));
}

function shown(value: unknown, isSecret = false): string {
  if (isSecret) return typeof value === "string" ? `a secret of ${value.length} characters` : `a secret that is ${kindOf(value)}`;
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > SHOWN_CHARACTERS_MAX ? `${text.slice(0, SHOWN_CHARACTERS_MAX)}…` : text;
}

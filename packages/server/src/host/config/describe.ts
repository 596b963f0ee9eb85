import type { ConfigReading } from "./read-config.ts";
import type { Setting } from "./setting.ts";
import { KEYS, SETTINGS, type Key } from "./settings.ts";

const MASK = "********";

/** One key, as `tutti config show` lists it. Secrets are masked. */
export interface ConfigRow {
  readonly key: Key;
  readonly value: string;
  readonly source: string;
  /** The variable that sets it; "" where only the file can. */
  readonly env: string;
  readonly description: string;
  readonly valid: string;
  readonly isSecret: boolean;
}

/** Every key with its value, where the value comes from, and what the key is for. */
export function describeConfig({
  config,
  sources,
}: Pick<ConfigReading, "config"> & Partial<Pick<ConfigReading, "sources">>): readonly ConfigRow[] {
  return KEYS.map((key) => {
    const { env = "", description, valid, isSecret = false }: Setting<unknown> = SETTINGS[key];
    return {
      key,
      value: isSecret ? masked(config[key]) : asText(config[key]),
      source: sources?.[key] ?? "given",
      env,
      description,
      valid,
      isSecret,
    };
  });
}

/** The text of `.env.example`: every variable with its default, commented out. */
export function envExample(): string {
  const blocks = KEYS.flatMap((key) => {
    const { env, description, valid, default: value }: Setting<unknown> = SETTINGS[key];
    return env === undefined ? [] : [`# ${description}\n# Must be ${valid}.\n# ${env}=${asText(value)}\n`];
  });
  return [
    "# Copy this file to .env, remove the # before what you want to set, and start Tutti again.\n# The defaults are safe: Tutti listens on this machine only. Everything is explained in docs/configuration.md.\n",
    ...blocks,
  ].join("\n");
}

/** The table of docs/configuration.md. */
export function configTable(): string {
  const rows = KEYS.map((key) => {
    const { env, description, valid, default: value, alias }: Setting<unknown> = SETTINGS[key];
    const variables = [env, alias?.env].flatMap((name) => (name === undefined ? [] : `\`${name}\``)).join(", also ");
    const initial = asText(value);
    return `| \`${key}\` | ${variables === "" ? "in the file only" : variables} | ${initial === "" ? "" : `\`${initial}\``} | ${valid} | ${description} |`;
  });
  return ["| key | variable | default | must be | what it does |", "| --- | --- | --- | --- | --- |", ...rows].join("\n");
}

function masked(value: unknown): string {
  if (typeof value === "string") return MASK;
  // Providers and webhooks: all but their keys and secrets is worth seeing.
  return value === undefined
    ? ""
    : JSON.stringify(value, (name, inner: unknown) => (name === "apiKey" || name === "secrets" ? MASK : inner));
}

function asText(value: unknown): string {
  if (Array.isArray(value)) return value.map(asText).join(",");
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}

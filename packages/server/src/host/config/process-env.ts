import { AppError } from "@tutti/core";
import { readDotEnv } from "./layer.ts";
import { readConfig, type ConfigReading } from "./read-config.ts";

/** The configuration of this process: its environment, its working directory and the given flags. */
export function readProcessConfig(flags: Readonly<Record<string, unknown>>, isWithoutSecrets = false): ConfigReading {
  return readConfig({ flags, env: process.env, cwd: process.cwd(), isWithoutSecrets });
}

/** The language and encoding of the terminal, such as "en_US.UTF-8"; "" when nothing says. */
export function readLocale(): string {
  // eslint-disable-next-line typescript/prefer-nullish-coalescing -- An empty variable counts as not set.
  return process.env["LC_ALL"] || process.env["LC_CTYPE"] || process.env["LANG"] || "";
}

/** A secret that the configuration names: a variable of the environment, or of the `.env` file. Throws `invalid_config` when it is not set. */
export function readSecret(name: string): string {
  const value = process.env[name] ?? readDotEnv(process.cwd()).variables[name];
  if (value !== undefined && value !== "") return value;
  throw new AppError("invalid_config", `wanted the variable ${name} to hold a secret, got none; set it in the environment or in .env`);
}

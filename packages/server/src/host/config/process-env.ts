import { readConfig, type ConfigReading } from "./read-config.ts";

/** The configuration of this process: its environment, its working directory and the given flags. */
export function readProcessConfig(flags: Readonly<Record<string, unknown>>): ConfigReading {
  return readConfig({ flags, env: process.env, cwd: process.cwd() });
}

/** The language and encoding of the terminal, such as "en_US.UTF-8"; "" when nothing says. */
export function readLocale(): string {
  // eslint-disable-next-line typescript/prefer-nullish-coalescing -- An empty variable counts as not set.
  return process.env["LC_ALL"] || process.env["LC_CTYPE"] || process.env["LANG"] || "";
}

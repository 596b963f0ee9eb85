import type { Json } from "@tutti/core";
import { z } from "zod";
import type { Setting } from "./setting.ts";

/** What the owner gives a plugin of the plugins folder: settings it reads, and secrets that its manifest asks for. */
export interface PluginOptions {
  readonly name: string;
  readonly settings: Json;
  readonly secrets: Readonly<Record<string, string>>;
}

/** The same as the file has it: `secretEnvs` names the variable for each secret. */
export interface PluginOptionsSetting extends PluginOptions {
  readonly secretEnvs: Readonly<Record<string, string>>;
}

const VARIABLE = "the name of an environment variable";
const schema = z.strictObject(
  {
    name: z.string("a plugin's name").regex(/^[a-z][a-z0-9-]{0,63}$/, "a plugin's name"),
    settings: z.json("a JSON value").default({}),
    secrets: z.record(z.string(), z.string("a text").min(1, "a text"), "texts by secret").default({}),
    secretEnvs: z
      .record(
        z.string().regex(/^[A-Z][A-Z0-9_]{0,63}$/, "a secret's name"),
        z.string(VARIABLE).regex(/^\w+$/, VARIABLE),
        "variables by secret",
      )
      .default({}),
  },
  "a plugin's options: {name, settings, secretEnvs}",
);

/** The keys of a plugin's options, for those who mistype one. */
export const PLUGIN_OPTIONS_KEYS: readonly string[] = Object.keys(schema.shape);

export const pluginOptions: Setting<readonly PluginOptionsSetting[]> = {
  default: [],
  description:
    "What plugins of `pluginsDir` get: `settings` of their own, and for each secret that a manifest asks for the variable that holds it (`secretEnvs`).",
  valid: "a list of {name, settings, secretEnvs}",
  isSecret: true,
  read: (raw) => raw,
  schema: z
    .array(schema)
    .max(200)
    .refine((list) => new Set(list.map(({ name }) => name)).size === list.length, "names of their own for all plugins"),
};

/** The options with the secrets that the variables hold. */
export function withPluginSecrets(
  list: readonly PluginOptionsSetting[],
  variables: Readonly<Record<string, string | undefined>>,
  problems: string[],
): readonly PluginOptions[] {
  return list.map(({ name, settings, secretEnvs, secrets: given }, index) => {
    const secrets = Object.entries(secretEnvs).map(([secret, variable]) => {
      const value = variables[variable] ?? "";
      if (value === "")
        problems.push(`pluginOptions[${index}].secretEnvs.${secret} must name a variable that is set, got ${variable}, which is not`);
      return [secret, value] as const;
    });
    return { name, settings, secrets: { ...given, ...Object.fromEntries(secrets) } };
  });
}

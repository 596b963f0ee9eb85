import { isIPv6 } from "node:net";
import { z } from "zod";
import { list, optionalPath, optionalText, type Setting } from "./setting.ts";

const HTTP_URL = /^https?:\/\/[^\s/@]+(?:\/\S*)?$/;
const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;

const secretName = z.string("a secret's name").regex(/^[\w.-]{1,64}$/, "a secret's name of letters, digits, dots and dashes");

const auth = z.discriminatedUnion(
  "type",
  [
    z.strictObject({ type: z.literal("bearer"), secret: secretName }),
    z.strictObject({ type: z.literal("basic"), user: z.string("a text"), secret: secretName }),
    z.strictObject({ type: z.literal("header"), name: z.string().regex(/^[\w-]{1,64}$/, "a header's name"), secret: secretName }),
    z.strictObject({ type: z.literal("query"), name: z.string("a text").min(1, "a text"), secret: secretName }),
  ],
  "{type: bearer, basic, header or query, secret}",
);

const hostSchema = z.strictObject(
  {
    host: z
      .string("a host")
      .regex(/^(?:\*\.)?(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/, "a host in lower case, such as api.example.com"),
    methods: z.array(z.enum(METHODS, `one of ${METHODS.join(", ")}`)).default(["GET", "HEAD"]),
    paths: z.array(z.string("a path").regex(/^\/[^?#\s]*$/, "a path that begins with /")).default(["/"]),
    auth: auth.optional(),
    privateAllow: z.boolean("true or false").default(false),
    httpAllow: z.boolean("true or false").default(false),
  },
  "a host: {host, methods, paths, auth}",
);

/** A host that `http_request` may reach, as the file has it. */
export type HttpHostSetting = z.output<typeof hostSchema>;

/** The keys of a host, for those who mistype one. */
export const HTTP_HOST_KEYS: readonly string[] = Object.keys(hostSchema.shape);

export const httpHosts: Setting<readonly HttpHostSetting[]> = {
  default: [],
  description:
    "Hosts that `http_get` and `http_request` may reach: with which `methods`, below which `paths`, and as whom (`auth` names a secret of `toolSecrets`).",
  valid: "a list of {host, methods, paths, auth, privateAllow, httpAllow}",
  read: (raw) => raw,
  schema: z.array(hostSchema).max(200),
};

const secretSchema = z.strictObject(
  {
    name: secretName,
    env: z.string("the name of an environment variable").regex(/^\w+$/, "the name of an environment variable").optional(),
    value: z.string("a text").min(1, "a text").optional(),
  },
  "a secret: {name, env}",
);

/** A secret as the file has it: `env` names the variable that holds it. */
type SecretSetting = z.output<typeof secretSchema>;

/** A secret that tools may use. Without a value the variable that should hold it is not set: that is told when a tool needs it. */
export interface ToolSecret {
  readonly name: string;
  readonly value?: string;
  /** The variable that holds it. */
  readonly env?: string;
}

/** The keys of a secret, for those who mistype one. */
export const TOOL_SECRET_KEYS: readonly string[] = Object.keys(secretSchema.shape);

export const toolSecrets: Setting<readonly SecretSetting[]> = {
  default: [],
  description: "Secrets that tools sign in with, by name; `env` names the variable that holds one. Models and logs never see them.",
  valid: "a list of {name, env}",
  isSecret: true,
  read: (raw) => raw,
  schema: z.array(secretSchema).max(200),
};

/** The secrets with their values, as far as they are set. Only the tools that sign in with one need it. */
export function readToolSecrets(
  settings: readonly SecretSetting[],
  variables: Readonly<Record<string, string | undefined>>,
  problems: string[],
): readonly ToolSecret[] {
  return settings.map(({ name, env, value }, index) => {
    const at = `toolSecrets[${index}]`;
    const found = value ?? (env === undefined ? undefined : variables[env]);
    if (settings.findIndex((other) => other.name === name) < index)
      problems.push(`${at}.name must be a name of its own, got ${name} again`);
    if (env === undefined && value === undefined) problems.push(`${at} must have env, the variable that holds it, got none`);
    return { name, ...(found !== undefined && found !== "" && { value: found }), ...(env !== undefined && { env }) };
  });
}

export const workspaceDir = optionalPath({
  env: "TUTTI_WORKSPACE_DIR",
  description: "The folder that `file_read`, `file_write` and their kin work in. Nothing outside it can be reached.",
});

export const webSearchUrl = optionalText({
  env: "TUTTI_WEB_SEARCH_URL",
  description: "The SearXNG that `web_search` asks; `json` must be among its `search.formats`.",
  valid: "an http or https URL without a password",
  shape: HTTP_URL,
});

const PRIVATE_HOST = "host name or address without a port";

export const webPrivateAllow: Setting<readonly string[]> = {
  ...list({
    env: "TUTTI_WEB_PRIVATE_ALLOW",
    default: [],
    item: PRIVATE_HOST,
    items: "host names and addresses without ports",
    description:
      "Hosts in the own network that `web_fetch` may read, and that API descriptions may be fetched from and be of: names and addresses without a port; all their ports are meant.",
  }),
  schema: z
    .array(
      z
        .string(`a ${PRIVATE_HOST}`)
        .refine((host) => isIPv6(host) || /^[^\s/:@[\]]+$/.test(host), `a ${PRIVATE_HOST}, such as localhost, 10.0.0.5 or ::1`)
        .transform((host) => (isIPv6(host) ? new URL(`http://[${host}]`).hostname.slice(1, -1) : host.toLowerCase())),
    )
    .max(1_000)
    .readonly(),
};

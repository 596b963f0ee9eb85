import { z } from "zod";
import { sandboxLimit, sandboxLimits } from "./sandbox.ts";
import type { Setting } from "./setting.ts";

/** A server of the Model Context Protocol whose tools Tutti may use. Secrets are named by the variables that hold them. */
export interface McpServerSetting {
  readonly name: string;
  /** A program that is spoken to over its stdio … */
  readonly command?: string | undefined;
  readonly args: readonly string[];
  readonly cwd?: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  readonly envFrom: Readonly<Record<string, string>>;
  readonly isolation: "jail" | "process";
  /** Bounds of its jail; a volume, and with it files that stay, only where one is given. */
  readonly jail?: McpJailSetting | undefined;
  /** What a program in a jail may use through its own socket to Tutti; it has none when left out. */
  readonly door?: { readonly models: readonly string[]; readonly tools: readonly string[] } | undefined;
  readonly mounts: readonly { readonly path: string; readonly isWritable: boolean }[];
  /** … or one that is reached over HTTP. */
  readonly url?: string | undefined;
  readonly auth?: McpAuthSetting | undefined;
  /** Only these of its tools; all when left out. */
  readonly tools?: readonly string[] | undefined;
  /** What its tools do, where its own word is not to be taken. */
  readonly effects: Readonly<Record<string, "read" | "write" | "execute">>;
  /** Whether its own hints on what tools do are believed, and what it gives is no stranger's data. */
  readonly isTrusted: boolean;
  /** Models that it may ask for answers through Tutti; none when left out. */
  readonly samplingModel?: string | undefined;
  readonly roots: readonly string[];
  readonly callTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly requestsPerSecond: number;
  /** How often its program may be started in an hour. */
  readonly startsPerHourMax: number;
  readonly parallelMax: number;
}

/** What a program in a jail may use; the sandbox's own bounds hold where one is left out. */
interface McpJailSetting {
  /** Of the folder that stays when the jail ends. */
  readonly volumeBytes?: number | undefined;
  readonly lifetimeMs?: number | undefined;
  readonly memoryBytes?: number | undefined;
  readonly cpus?: number | undefined;
  readonly processesMax?: number | undefined;
}

/** How Tutti shows who it is to a server over HTTP. */
export type McpAuthSetting =
  | { readonly type: "bearer"; readonly tokenEnv: string }
  | {
      readonly type: "client-credentials";
      readonly clientId: string;
      readonly clientSecretEnv: string;
      readonly issuer: string;
      readonly scope?: string | undefined;
    }
  | {
      readonly type: "oauth";
      readonly clientId?: string | undefined;
      readonly clientSecretEnv?: string | undefined;
      readonly scope?: string | undefined;
    };

/** Who may come to `/mcp`, beside holders of the token and of keys, and how much they may ask. */
export interface McpSetting {
  readonly publicUrl?: string | undefined;
  readonly issuers: readonly {
    readonly issuer: string;
    readonly jwksUrl: string;
    readonly scopes: readonly string[];
    readonly roles: readonly string[];
  }[];
  readonly signers: readonly { readonly id: string; readonly secretEnv: string; readonly roles: readonly string[] }[];
  readonly requestsPerSecond: number;
  readonly burst: number;
  readonly sessionsMax: number;
  readonly sessionsPerPrincipalMax: number;
  readonly sessionIdleMs: number;
}

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9-]{0,31}$/;
const HTTP_URL = /^https?:\/\/[^\s/@]+(?:\/\S*)?$/;
const VARIABLE = /^\w{1,128}$/;

const variable = z.string("the name of an environment variable").regex(VARIABLE, "the name of an environment variable");
const httpUrl = z.string("an http or https URL").max(2048).regex(HTTP_URL, "an http or https URL without a password");

const auth = z.discriminatedUnion(
  "type",
  [
    z.strictObject({ type: z.literal("bearer"), tokenEnv: variable }),
    z.strictObject({
      type: z.literal("client-credentials"),
      clientId: z.string().min(1),
      clientSecretEnv: variable,
      issuer: httpUrl,
      scope: z.string().optional(),
    }),
    z.strictObject({
      type: z.literal("oauth"),
      clientId: z.string().min(1).optional(),
      clientSecretEnv: variable.optional(),
      scope: z.string().optional(),
    }),
  ],
  "{type: bearer, tokenEnv}, {type: client-credentials, clientId, clientSecretEnv, issuer} or {type: oauth}",
);

const names = (max: number): z.ZodDefault<z.ZodArray<z.ZodString>> =>
  z.array(z.string("a name").min(1, "a name").max(200, "at most 200 characters")).max(max, `at most ${max}`).default([]);

const durationMs = (fallback: number): z.ZodDefault<z.ZodInt> =>
  z.int("a whole number of milliseconds").min(10, "at least 10").max(86_400_000, "at most a day").default(fallback);

const MEBIBYTE = 1_048_576;
const jailSchema = z.strictObject(
  {
    volumeBytes: sandboxLimit(MEBIBYTE, 65_536 * MEBIBYTE),
    lifetimeMs: sandboxLimit(1_000, 86_400_000),
    memoryBytes: sandboxLimits.shape.memoryBytes,
    cpus: sandboxLimits.shape.cpus,
    processesMax: sandboxLimits.shape.processesMax,
  },
  "{volumeBytes, lifetimeMs, memoryBytes, cpus, processesMax}",
);

/** One server, as a file or a request has it. */
export const mcpServerSchema = z
  .strictObject(
    {
      name: z.string("a name").regex(NAME, "a name of 1 to 32 letters, digits and dashes"),
      command: z.string("a program").min(1, "a program").max(4096).optional(),
      args: z.array(z.string("a text").max(4096)).max(64).default([]),
      cwd: z.string("a folder").min(1).max(4096).optional(),
      env: z.record(z.string().regex(VARIABLE), z.string("a text").max(4096)).default({}),
      envFrom: z.record(z.string().regex(VARIABLE), variable).default({}),
      isolation: z.enum(["jail", "process"], "jail or process").default("jail"),
      mounts: z
        .array(z.strictObject({ path: z.string().min(1).max(4096), isWritable: z.boolean().default(false) }))
        .max(32)
        .default([]),
      jail: jailSchema.optional(),
      door: z.strictObject({ models: names(100), tools: names(1_000) }, "{models, tools}: lists of names, which may have stars").optional(),
      url: httpUrl.optional(),
      auth: auth.optional(),
      tools: z.array(z.string("the name of a tool").min(1).max(128)).max(1000).optional(),
      effects: z.record(z.string().min(1).max(128), z.enum(["read", "write", "execute"], "read, write or execute")).default({}),
      isTrusted: z.boolean("true or false").default(false),
      samplingModel: z.string("a model").min(1).max(200).optional(),
      roots: z.array(z.string("a folder").min(1).max(4096)).max(32).default([]),
      callTimeoutMs: durationMs(60_000),
      connectTimeoutMs: durationMs(20_000),
      idleTimeoutMs: durationMs(600_000),
      requestsPerSecond: z.number("a number").min(0.01, "at least 0.01").max(10_000, "at most 10,000").default(20),
      startsPerHourMax: z.int("a whole number").min(1, "at least 1").max(3_600, "at most 3,600").default(60),
      parallelMax: z.int("a whole number").min(1, "at least 1").max(256, "at most 256").default(8),
    },
    "a server: {name, command, args} or {name, url, auth}",
  )
  .refine(({ command, url }) => (command === undefined) !== (url === undefined), "given either a command or a url")
  .refine(
    ({ command, isolation, door }) => door === undefined || (command !== undefined && isolation === "jail"),
    "without a door unless it is a command in a jail: others use a key",
  )
  .refine(
    ({ command, isolation, jail }) => jail === undefined || (command !== undefined && isolation === "jail"),
    "without bounds of a jail unless it is a command in one",
  )
  .refine(({ url, auth: given }) => given === undefined || url !== undefined, "without auth when it is a command: give secrets by envFrom");

const roles = z.array(z.string().min(1).max(64)).max(32).default(["mcp-user"]);

const mcpSchema = z
  .strictObject(
    {
      publicUrl: httpUrl.optional(),
      issuers: z
        .array(
          z.strictObject({
            issuer: httpUrl,
            jwksUrl: httpUrl,
            scopes: z
              .array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/))
              .max(32)
              .default([]),
            roles,
          }),
        )
        .max(16)
        .default([]),
      signers: z
        .array(z.strictObject({ id: z.string().regex(/^[\w.-]{1,64}$/), secretEnv: variable, roles }))
        .max(100)
        .default([]),
      requestsPerSecond: z.number().min(0.01).max(100_000).default(50),
      burst: z.int().min(1).max(1_000_000).default(200),
      sessionsMax: z.int().min(1).max(100_000).default(1_000),
      sessionsPerPrincipalMax: z.int().min(1).max(100_000).default(100),
      sessionIdleMs: durationMs(1_800_000),
    },
    "{publicUrl, issuers, signers, requestsPerSecond, …}",
  )
  .refine(
    ({ issuers, publicUrl }) => issuers.length === 0 || publicUrl !== undefined,
    "with publicUrl where it has issuers: tokens are made for that address",
  );

/** The keys of a server and of the door, for those who mistype one. */
export const MCP_SERVER_KEYS: readonly string[] = [...Object.keys(mcpServerSchema.shape), ...Object.keys(jailSchema.shape)];
export const MCP_KEYS: readonly string[] = Object.keys(mcpSchema.shape);

export const mcpServers: Setting<readonly McpServerSetting[]> = {
  default: [],
  description:
    "Servers of the Model Context Protocol whose tools Tutti may use: programs (`command`, `args`, `envFrom`) or addresses (`url`, `auth`). `docs/mcp.md` has all keys.",
  valid: "a list of {name, command, args} or {name, url, auth}",
  read: (raw) => raw,
  schema: z.array(mcpServerSchema).max(100),
};

export const mcp: Setting<McpSetting> = {
  default: mcpSchema.parse({}),
  description:
    "Who may come to `/mcp` beside holders of the token and of keys: `issuers` of OAuth access tokens, `signers` of requests; how much each may ask. `docs/mcp.md` has all keys.",
  valid: "{publicUrl, issuers, signers, requestsPerSecond, burst, sessionsMax, sessionsPerPrincipalMax, sessionIdleMs}",
  read: (raw) => raw,
  schema: mcpSchema,
};

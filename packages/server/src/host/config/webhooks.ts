import { z } from "zod";
import type { Setting } from "./setting.ts";

/**
 * An endpoint for webhooks. With `signature` they come in, at `/webhooks/<name>`; with `url` they go out, to subscriptions that name it.
 * Several secrets are for rotation: any may have signed what comes in, all sign what goes out.
 */
export interface WebhookConfig {
  readonly name: string;
  readonly secrets: readonly string[];
  readonly signature?: (typeof SIGNATURES)[number] | undefined;
  readonly type?: string | undefined;
  readonly toleranceSeconds: number;
  readonly url?: string | undefined;
  readonly privateAllow: boolean;
  /** Whether what comes in is as good as what the owner writes. */
  readonly isTrusted?: boolean | undefined;
}

/** An endpoint as the file has it: `secretEnvs` names the variables that hold the secrets. */
export interface WebhookSetting extends WebhookConfig {
  readonly secretEnvs: readonly string[];
}

const SIGNATURES = ["standard", "github", "stripe", "shopify", "slack", "none"] as const;
/** Standard Webhooks asks for 24 to 64 bytes; less than this can be guessed. */
const SECRET_BYTES_MIN = 16;

const schema = z.strictObject(
  {
    name: z.string("a name").regex(/^[\w.-]{1,64}$/, "a name of letters, digits, dots and dashes"),
    signature: z.enum(SIGNATURES, `one of ${SIGNATURES.join(", ")}`).optional(),
    url: z
      .string("an http or https URL")
      .regex(/^https?:\/\/[^\s/@]+(?:\/\S*)?$/, "an http or https URL without a password")
      .optional(),
    secretEnvs: z
      .array(z.string("the name of an environment variable").regex(/^\w+$/, "the name of an environment variable"))
      .max(8)
      .default([]),
    secrets: z.array(z.string("a text").min(1, "a text")).max(8).default([]),
    type: z.string("a text").min(1, "a text").max(200, "a text of at most 200 characters").optional(),
    toleranceSeconds: z.int("a whole number of seconds").min(1, "at least 1").max(86_400, "at most a day").default(300),
    privateAllow: z.boolean("true or false").default(false),
    isTrusted: z.boolean("true or false").optional(),
  },
  "an endpoint: {name, signature or url, secretEnvs}",
);

/** The keys of an endpoint, for those who mistype one. */
export const WEBHOOK_KEYS: readonly string[] = Object.keys(schema.shape);

export const webhooks: Setting<readonly WebhookSetting[]> = {
  default: [],
  description:
    "Endpoints for webhooks. Those with `signature` come in at `/webhooks/<name>`; those with `url` go out. `secretEnvs` names the variables that hold the secrets. What comes in is untrusted content, whoever signed it, unless `isTrusted` says otherwise.",
  valid: "a list of {name, signature, secretEnvs, isTrusted} or {name, url, secretEnvs, privateAllow}",
  isSecret: true,
  read: (raw) => raw,
  schema: z.array(schema).max(100),
};

/** The endpoints with their secrets, where variables hold them; `isLoopback` says whether only this machine can connect. */
export function withSecrets(
  list: readonly WebhookSetting[],
  { variables, isLoopback }: { readonly variables: Readonly<Record<string, string | undefined>>; readonly isLoopback: boolean },
  problems: string[],
): readonly WebhookConfig[] {
  return list.map(({ secretEnvs, secrets, ...endpoint }, index) => {
    const at = `webhooks[${index}]`;
    const unset = secretEnvs.filter((name) => (variables[name] ?? "") === "");
    for (const name of unset) problems.push(`${at}.secretEnvs must name variables that are set, got ${name}, which is not`);
    const all = [...secrets, ...secretEnvs.flatMap((name) => variables[name] ?? [])];
    problems.push(...misfits({ ...endpoint, secrets: all }, isLoopback).map((problem) => `${at} ${problem}`));
    const isTwice = list.some(
      (other, place) => place < index && other.name === endpoint.name && (other.url === undefined) === (endpoint.url === undefined),
    );
    if (isTwice) problems.push(`${at}.name must be a name of its own, got ${endpoint.name} again`);
    return { ...endpoint, secrets: all };
  });
}

/** What does not fit together in one endpoint. */
function misfits({ signature, url, secrets }: WebhookConfig, isLoopback: boolean): readonly string[] {
  if ((signature === undefined) === (url === undefined))
    return [`must have signature, for webhooks that come in, or url, for those that go out, got ${url === undefined ? "neither" : "both"}`];
  if (signature === "none")
    return isLoopback ? [] : ["must have a signature where other machines can connect, got none; use host 127.0.0.1 or a signature"];
  if (secrets.length === 0) return ["must have secretEnvs, the variables that hold its secrets, got none"];
  const isBroken = (secret: string): boolean =>
    secret.startsWith("whsec_") && Buffer.from(secret.slice(6), "base64").length < SECRET_BYTES_MIN;
  const isStandard = url !== undefined || signature === "standard";
  return isStandard && secrets.some(isBroken)
    ? [`must have secrets of at least ${SECRET_BYTES_MIN} bytes in base64 after "whsec_", got a shorter one`]
    : [];
}

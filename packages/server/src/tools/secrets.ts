import { AppError, type Json } from "@tutti/core";

/** Secrets by name: tools' settings name them, and only here do they become values. A vault fits behind this too. */
export interface SecretSource {
  readonly names: readonly string[];
  get(name: string): string | undefined;
  /** The variable that should hold it and is not set, for a secret that is named and not there. */
  unset?(name: string): string | undefined;
}

/** How a request is signed in; `secret` is a secret's name, never its value. */
export type Credential =
  | { readonly type: "bearer"; readonly secret: string }
  | { readonly type: "basic"; readonly user: string; readonly secret: string }
  | { readonly type: "header"; readonly name: string; readonly secret: string }
  | { readonly type: "query"; readonly name: string; readonly secret: string }
  | { readonly type: "cookie"; readonly name: string; readonly secret: string };

/** Shorter values would be found in every text. */
const SCRUBBED_CHARACTERS_MIN = 4;
const DEPTH_MAX = 256;

/** What a request carries to be let in. */
export interface Signed {
  readonly headers: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  /** Every form in which the secrets may come back in an answer. */
  readonly forms: readonly string[];
}

/** The headers and query parameters of credentials. Throws `invalid_config` for a secret that is not there. */
export function signedWith(credentials: readonly Credential[], secrets: SecretSource): Signed {
  const headers: Record<string, string> = {};
  const query: Record<string, string> = {};
  const forms: string[] = [];
  for (const credential of credentials) {
    const value = requireSecret(credential.secret, secrets);
    const basic = credential.type === "basic" ? Buffer.from(`${credential.user}:${value}`).toString("base64") : undefined;
    forms.push(value, encodeURIComponent(value), new URLSearchParams({ v: value }).toString().slice(2));
    if (basic !== undefined) forms.push(basic);
    if (credential.type === "query") query[credential.name] = value;
    else if (credential.type === "header") headers[credential.name.toLowerCase()] = value;
    else if (credential.type === "cookie")
      headers["cookie"] = [headers["cookie"], `${credential.name}=${value}`].filter(Boolean).join("; ");
    else headers["authorization"] = basic === undefined ? `Bearer ${value}` : `Basic ${basic}`;
  }
  return { headers, query, forms: [...new Set(forms)].filter((form) => form.length >= SCRUBBED_CHARACTERS_MIN) };
}

function requireSecret(name: string, secrets: SecretSource): string {
  const value = secrets.get(name);
  const unset = secrets.unset?.(name);
  if (unset !== undefined)
    throw new AppError(
      "invalid_config",
      `wanted the secret "${name}" in the variable ${unset}, which is not set; set it and start Tutti again`,
    );
  if (value === undefined || value === "")
    throw new AppError(
      "invalid_config",
      `wanted a secret called "${name}", got none by that name; name it and the variable that holds it in \`toolSecrets\``,
    );
  return value;
}

/** A value without the secrets that were sent to get it: some servers give back what they were sent, and outputs are journaled. */
export function scrubbed(value: Json, forms: readonly string[], depth = 0): Json {
  if (forms.length === 0) return value;
  if (typeof value === "string") return scrubbedText(value, forms);
  if (typeof value !== "object" || value === null) return value;
  if (depth > DEPTH_MAX) throw new AppError("too_large", `wanted an answer of at most ${DEPTH_MAX} levels, got a deeper one`);
  if (Array.isArray(value)) return (value as readonly Json[]).map((item) => scrubbed(item, forms, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [scrubbedText(key, forms), scrubbed(item, forms, depth + 1)]));
}

function scrubbedText(text: string, forms: readonly string[]): string {
  return forms.reduce((rest, form) => rest.replaceAll(form, "[secret]"), text);
}

/** An error that tells no secret. */
export function scrubbedError(thrown: unknown, forms: readonly string[]): AppError {
  const error = AppError.from(thrown);
  return new AppError(error.code, scrubbedText(error.message, forms));
}

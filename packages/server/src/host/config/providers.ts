import { SURFACES } from "@tutti/core/wire";
import { z } from "zod";
import type { Setting } from "./setting.ts";

// Without a user and password, which would be shown wherever the URL is.
const HTTP_URL = /^https?:\/\/[^\s/@]+(?:\/\S*)?$/;
const TIMEOUT_MS_MAX = 3_600_000;

const timeout = z.int("a whole number of milliseconds").min(1, "at least 1").max(TIMEOUT_MS_MAX, "at most an hour").optional();

const schema = z.strictObject(
  {
    name: z.string("a name").regex(/^[\w.-]{1,64}$/, "a name of letters, digits, dots and dashes"),
    kind: z
      .string("a kind of provider, such as openai, anthropic or ollama")
      .regex(/^[\w.-]{1,64}$/, "a kind of provider")
      .optional(),
    baseUrl: z.string("an http or https URL").regex(HTTP_URL, "an http or https URL without a password").optional(),
    apiKey: z.string("a text").min(1, "a text").optional(),
    apiKeyEnv: z.string("the name of an environment variable").regex(/^\w+$/, "the name of an environment variable").optional(),
    models: z.array(z.string("a model's name").min(1, "a model's name"), "a list of model names").default([]),
    headers: z.record(z.string().regex(/^[\w-]{1,128}$/, "a header's name"), z.string("a text").regex(/^[^\r\n]*$/, "one line")).optional(),
    timeouts: z.strictObject({ connectMs: timeout, firstByteMs: timeout, idleMs: timeout }, "{connectMs, firstByteMs, idleMs}").optional(),
    surfaces: z.array(z.enum(SURFACES, `one of ${SURFACES.join(", ")}`)).optional(),
    options: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()], "a text, a number, true or false")).optional(),
  },
  "a provider: {name, kind, baseUrl, apiKeyEnv, models}",
);

/** A provider as the file has it: `apiKeyEnv` may name the variable that holds the key. */
export type ProviderSetting = Readonly<z.infer<typeof schema>>;

/** A server of models, its key read. */
export type ProviderConfig = Omit<ProviderSetting, "apiKeyEnv">;

/** The keys of a provider, for those who mistype one. */
export const PROVIDER_KEYS: readonly string[] = Object.keys(schema.shape);

export const providers: Setting<readonly ProviderSetting[]> = {
  default: [],
  description:
    "Servers of models. `kind` says how they are spoken to (openai, azure, anthropic, gemini, ollama, groq …); left out, as servers that speak OpenAI's protocol. Without `models`, the server is asked for its list.",
  valid: "a list of {name, kind, baseUrl, apiKey or apiKeyEnv, models, headers, timeouts, surfaces, options}",
  isSecret: true,
  read: (raw) => raw,
  schema: z.array(schema).max(100),
};

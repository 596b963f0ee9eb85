import { z } from "zod";

const blob = z.strictObject({ mimeType: z.string().regex(/^[\w.+-]+\/[\w.+-]+/), data: z.base64().min(1) });
const fileData = z.strictObject({ mimeType: z.string().optional(), fileUri: z.string().min(1) });
const name = z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}$/);
const struct = z.record(z.string(), z.json());
const signature = { thoughtSignature: z.string().min(1).optional() };
const part = z
  .strictObject({
    text: z.string().optional(),
    thought: z.boolean().optional(),
    inlineData: blob.optional(),
    fileData: fileData.optional(),
    functionCall: z.strictObject({ id: z.string().optional(), name, args: struct.optional() }).optional(),
    functionResponse: z
      .strictObject({
        id: z.string().optional(),
        name,
        response: struct,
        parts: z.array(z.strictObject({ inlineData: blob.optional() })).optional(),
      })
      .optional(),
    ...signature,
  })
  .refine(
    ({ text, inlineData, fileData: file, functionCall, functionResponse }) =>
      [text, inlineData, file, functionCall, functionResponse].filter((field) => field !== undefined).length === 1,
    { error: "required oneof field 'data' must have one initialized field" },
  );
const content = z.strictObject({ role: z.enum(["user", "model"]).optional(), parts: z.array(part).min(1) });

/** What Google documents for `responseJsonSchema`; everything else is refused. */
const KEYWORDS: ReadonlySet<string> = new Set([
  "$id",
  "$defs",
  "$ref",
  "$anchor",
  "type",
  "format",
  "title",
  "description",
  "enum",
  "items",
  "prefixItems",
  "minItems",
  "maxItems",
  "minimum",
  "maximum",
  "anyOf",
  "oneOf",
  "properties",
  "additionalProperties",
  "required",
  "propertyOrdering",
]);
const jsonSchema = z.looseObject({}).refine((schema) => unknownKeyword(schema) === undefined, {
  error: ({ input }) => `Invalid JSON schema: unsupported keyword "${unknownKeyword(input)}"`,
});

const declaration = z.strictObject({
  name,
  description: z.string(),
  parametersJsonSchema: jsonSchema.optional(),
});
const calling = z
  .strictObject({ mode: z.enum(["AUTO", "ANY", "NONE", "VALIDATED"]), allowedFunctionNames: z.array(name).min(1).optional() })
  .refine(({ mode, allowedFunctionNames: names }) => names === undefined || mode === "ANY" || mode === "VALIDATED", {
    error: "Function calling mode must be ANY or VALIDATED when allowed_function_names is set",
  });
const thinking = z
  .strictObject({
    includeThoughts: z.boolean().optional(),
    thinkingBudget: z.int().min(-1).optional(),
    thinkingLevel: z.enum(["MINIMAL", "LOW", "MEDIUM", "HIGH"]).optional(),
  })
  .refine(({ thinkingBudget: budget, thinkingLevel: level }) => budget === undefined || level === undefined, {
    error: "You can only set only one of thinking budget and thinking level.",
  });
const generationConfig = z.strictObject({
  maxOutputTokens: z.int().min(1).optional(),
  temperature: z.number().min(0).max(2).optional(),
  topP: z.number().min(0).max(1).optional(),
  topK: z.int().min(1).optional(),
  seed: z.int().optional(),
  presencePenalty: z.number().min(-2).lt(2).optional(),
  frequencyPenalty: z.number().min(-2).lt(2).optional(),
  stopSequences: z.array(z.string().min(1)).max(5).optional(),
  responseMimeType: z.enum(["text/plain", "application/json", "text/x.enum"]).optional(),
  responseJsonSchema: jsonSchema.optional(),
  responseModalities: z.array(z.enum(["TEXT", "IMAGE", "AUDIO"])).optional(),
  speechConfig: z
    .strictObject({
      voiceConfig: z.strictObject({ prebuiltVoiceConfig: z.strictObject({ voiceName: z.string().regex(/^[A-Z][a-z]+$/) }) }),
    })
    .optional(),
  imageConfig: z
    .strictObject({
      aspectRatio: z
        .string()
        .regex(/^\d+:\d+$/)
        .optional(),
    })
    .optional(),
  thinkingConfig: thinking.optional(),
});
const body = z.strictObject({
  contents: z.array(content).min(1),
  systemInstruction: z
    .strictObject({ role: z.string().optional(), parts: z.array(z.strictObject({ text: z.string() })).min(1) })
    .optional(),
  tools: z.array(z.strictObject({ functionDeclarations: z.array(declaration).min(1) })).optional(),
  toolConfig: z.strictObject({ functionCallingConfig: calling }).optional(),
  generationConfig: generationConfig.optional(),
});
const embedRequest = z.strictObject({
  model: z.string().startsWith("models/"),
  content: z.strictObject({ role: z.string().optional(), parts: z.array(z.strictObject({ text: z.string() })).min(1) }),
  taskType: z.enum(["RETRIEVAL_QUERY", "RETRIEVAL_DOCUMENT", "SEMANTIC_SIMILARITY"]).optional(),
  outputDimensionality: z.int().min(1).optional(),
});
const embedBody = z.strictObject({ requests: z.array(embedRequest).min(1).max(100) });

/** A request that Google would take. */
export type GeminiBody = z.infer<typeof body>;
type Checked<Body> = { readonly body: Body } | { readonly refusal: string };

/** The request, or why Google would refuse it. Written apart from Tutti's own codec, so that the two cannot be wrong together. */
export function checkGemini(bytes: Buffer, model: string): Checked<GeminiBody> {
  const checked = check(body, bytes);
  if ("refusal" in checked) return checked;
  const refusal = wrongTurns(checked.body) ?? wrongModel(checked.body, model);
  return refusal === undefined ? checked : { refusal };
}

/** The same for `batchEmbedContents`. */
export function checkEmbed(bytes: Buffer): Checked<z.infer<typeof embedBody>> {
  return check(embedBody, bytes);
}

function check<Body>(schema: z.ZodType<Body>, bytes: Buffer): Checked<Body> {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString("utf8"));
  } catch {
    return { refusal: "Invalid JSON payload received." };
  }
  const checked = schema.safeParse(value);
  if (checked.success) return { body: checked.data };
  const [issue] = checked.error.issues;
  const path = (issue?.path ?? []).join(".");
  if (issue?.code === "unrecognized_keys")
    return { refusal: `Invalid JSON payload received. Unknown name "${issue.keys[0]}" at '${path}': Cannot find field.` };
  return { refusal: `* ${path}: ${issue?.message ?? "invalid"}` };
}

type Content = GeminiBody["contents"][number];

function callsOf(item: Content | undefined): readonly string[] {
  return (item?.parts ?? []).flatMap(({ functionCall: call }) => (call === undefined ? [] : [call.name]));
}

function resultsOf(item: Content | undefined): readonly string[] {
  return (item?.parts ?? []).flatMap(({ functionResponse: result }) => (result === undefined ? [] : [result.name]));
}

function wrongTurns({ contents }: GeminiBody): string | undefined {
  if (contents[0]?.role === "model") return "Please ensure that multiturn requests alternate between user and model.";
  for (const [index, item] of contents.entries()) {
    const calls = callsOf(item);
    const results = resultsOf(item);
    if (item.role === "model" && results.length > 0) return "Please use a valid role: function responses are the user's.";
    if (item.role !== "model" && calls.length > 0) return "Please use a valid role: function calls are the model's.";
    const answered = resultsOf(contents[index + 1]);
    if (calls.length > 0 && contents[index + 1] !== undefined && answered.length !== calls.length)
      return "Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.";
    if (
      results.length > 0 &&
      callsOf(contents[index - 1])
        .toSorted()
        .join(" ") !== results.toSorted().join(" ")
    )
      return "Please ensure that function response turn comes immediately after a function call turn.";
  }
  return undefined;
}

function wrongModel({ contents, generationConfig: config = {}, tools }: GeminiBody, model: string): string | undefined {
  const isThird = /gemini-[3-9]/.test(model);
  if (config.thinkingConfig?.thinkingLevel !== undefined && /gemini-2/.test(model))
    return "Thinking level is not supported for this model.";
  if (/gemini-2\.5/.test(model) && (config.presencePenalty ?? config.frequencyPenalty) !== undefined)
    return `Penalty is not enabled for models/${model}`;
  if (!isThird && tools !== undefined && config.responseMimeType === "application/json")
    return "Function calling with a response mime type: 'application/json' is unsupported";
  // The first call of each step has to be signed.
  const unsigned = contents.findIndex(({ parts }) => {
    const first = parts.find(({ functionCall: call }) => call !== undefined);
    return first !== undefined && first.thoughtSignature === undefined;
  });
  return isThird && unsigned >= 0 ? `Function call is missing a thought_signature in functionCall parts. contents.${unsigned}` : undefined;
}

function unknownKeyword(schema: unknown): string | undefined {
  if (typeof schema !== "object" || schema === null || Array.isArray(schema)) return undefined;
  const fields = schema as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(fields).find((keyword) => !KEYWORDS.has(keyword));
  if (unknown !== undefined) return unknown;
  const inner = [...Object.values((fields.properties ?? {}) as object), fields.items, ...((fields.anyOf ?? []) as unknown[])];
  return inner.map(unknownKeyword).find((keyword) => keyword !== undefined);
}

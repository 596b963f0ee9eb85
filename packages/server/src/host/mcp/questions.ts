import { defineWorkflow, type Json, type Reply } from "@tutti/core";
import { z } from "zod";

/** The run in which a person is asked what an MCP server wants to know. */
export const QUESTION_WORKFLOW = "tutti.mcp-question";
/** The run in which a model is asked for an MCP server. */
export const SAMPLING_WORKFLOW = "tutti.mcp-sampling";

const FIELDS_MAX = 100;
const question = z.object({
  server: z.string(),
  tool: z.string(),
  runId: z.string(),
  message: z.string(),
  schema: z.json().exactOptional(),
  url: z.string().exactOptional(),
  timeoutMs: z.int(),
});
type QuestionInput = z.output<typeof question>;

/**
 * Asks people. "Approve" says yes with the form's own defaults; a signal `content` fills the form in. Who may answer is decided like any other
 * approval, and the log of this run is the record of it.
 */
export const questionWorkflow = defineWorkflow<QuestionInput, Json>({
  name: QUESTION_WORKFLOW,
  version: "1",
  description: "What an MCP server asks of a person",
  input: question,
  run: (ctx, { server, tool, runId, message, schema, url, timeoutMs }) =>
    ctx.race<Json>([
      async (branch) => {
        const detail = { server, tool, runId, ...(schema !== undefined && { schema }), ...(url !== undefined && { url }) };
        const { approved } = await branch.approve({
          question: `The MCP server ${server} asks: ${message}`,
          detail,
          timeoutMs,
          otherwise: "refuse",
        });
        const content = defaultsOf(schema);
        return approved && content !== undefined ? { action: "accept", content } : { action: "decline" };
      },
      async (branch) => {
        const content = await branch.waitFor("content", { isQuiet: true });
        return { action: "accept", content: content ?? {} };
      },
    ]),
});

const sampling = z.object({
  server: z.string(),
  tool: z.string(),
  runId: z.string(),
  model: z.string(),
  system: z.string().exactOptional(),
  messages: z.array(z.object({ role: z.enum(["user", "assistant"]), text: z.string() })),
  tokensMax: z.int().min(1),
});
type SamplingInput = z.output<typeof sampling>;

/** Asks a model for a server, as whoever called its tool: policy and budgets are theirs. */
export const samplingWorkflow = defineWorkflow<SamplingInput, Json>({
  name: SAMPLING_WORKFLOW,
  version: "1",
  description: "What an MCP server asks a model",
  input: sampling,
  run: async (ctx, { model, system, messages, tokensMax }) => {
    const said = messages.map(({ role, text }) => ({ role, content: text }));
    const reply: Reply = await ctx.generate(model, {
      messages: [...(system === undefined ? [] : [{ role: "system" as const, content: system }]), ...said],
      outputTokensMax: tokensMax,
    });
    return { model, text: reply.content };
  },
});

/** What a form holds when nobody fills it in; `undefined` when it cannot be left so. */
function defaultsOf(schema: Json | undefined): Json | undefined {
  if (!isObject(schema)) return {};
  const properties = isObject(schema["properties"]) ? Object.entries(schema["properties"]).slice(0, FIELDS_MAX) : [];
  const content = Object.fromEntries(
    properties.flatMap(([name, field]) => (isObject(field) && field["default"] !== undefined ? [[name, field["default"]]] : [])),
  );
  const required = Array.isArray(schema["required"]) ? schema["required"].map(String) : [];
  // "Approve" is a plain yes: that is what a form of one required box asks for.
  const [only] = properties;
  const isYesNo = properties.length === 1 && isObject(only?.[1]) && only[1]["type"] === "boolean";
  if (isYesNo && only !== undefined) return { [only[0]]: true };
  return required.every((name) => Object.hasOwn(content, name)) ? content : undefined;
}

function isObject(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

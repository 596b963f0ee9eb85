import type { AgentSpec, Json, Message, RunContext } from "@tutti/core";
import { compilePattern } from "../routing/index.ts";

const READ_TOOL = "mcp_read_resource";
const LIST_TOOL = "mcp_list_resources";

/** Of those that one template fits; more than this is no context but a library. */
const RESOURCES_PER_TEMPLATE_MAX = 8;
/** How much of one resource is read where the agent does not say. */
const RESOURCE_CHARACTERS_MAX = 8_000;

/** What a resource holds, as a model reads it. */
type ForModel = (output: Json, from: string, charactersMax: number) => string;

/**
 * What an agent is given to read before the conversation: resources of MCP servers, each in a message of its own, as data. They are read by
 * the tools that models may use for it, so that policy decides, the log holds what was read, and the run counts as tainted by it.
 */
export async function readResources(
  ctx: RunContext,
  resources: NonNullable<AgentSpec["resources"]>,
  { forModel, explain }: { readonly forModel: ForModel; readonly explain: (error: unknown) => string },
): Promise<readonly Message[]> {
  const messages: Message[] = [];
  for (const { server, uri, charactersMax = RESOURCE_CHARACTERS_MAX } of resources) {
    const say = (text: Json, which: string): void =>
      void messages.push({
        role: "user",
        content: `The resource ${which} of ${server}, which you were given to read:\n${forModel(text, READ_TOOL, charactersMax)}`,
      });
    try {
      for (const one of await urisOf(ctx, server, uri)) say(textOf(await ctx.call(READ_TOOL, { server, uri: one })), one);
    } catch (error) {
      say(`error: it could not be read: ${explain(error)}`, uri);
    }
  }
  return messages;
}

/** Whether it stands for all resources of a certain shape. */
function isTemplate(uri: string): boolean {
  return uri.includes("{");
}

/** Those that a template fits, in the order in which the server lists them; a URI is itself. */
async function urisOf(ctx: RunContext, server: string, uri: string): Promise<readonly string[]> {
  if (!isTemplate(uri)) return [uri];
  const fits = templatePattern(uri);
  const listed = (await ctx.call(LIST_TOOL, { server })) as { readonly resources?: readonly { readonly uri?: unknown }[] };
  return (listed.resources ?? [])
    .flatMap((one) => (typeof one.uri === "string" && fits(one.uri) ? [one.uri] : []))
    .slice(0, RESOURCES_PER_TEMPLATE_MAX);
}

/** Whether a URI is one of a template (RFC 6570): `{name}` stands for a part between slashes, `{+path}` for any text. Throws `invalid_input`. */
export function templatePattern(template: string): (uri: string) => boolean {
  const parts = template.split(/(\{\+?\w+\})/);
  const pattern = compilePattern(
    `^${parts.map((part, index) => (index % 2 === 0 ? escaped(part) : part.startsWith("{+") ? ".+" : "[^/]+")).join("")}$`,
  );
  return (uri) => pattern.matcher(uri).find();
}

/** Texts as they are; of anything else, what it is. */
function textOf(output: Json): string {
  const { contents } = output as { readonly contents?: readonly Readonly<Record<string, unknown>>[] };
  return (contents ?? [])
    .map(({ text, mimeType }) => (typeof text === "string" ? text : `[not a text: ${typeof mimeType === "string" ? mimeType : "unknown"}]`))
    .join("\n");
}

const escaped = (text: string): string => text.replaceAll(/[^\w]/g, (letter) => `\\x{${(letter.codePointAt(0) ?? 0).toString(16)}}`);

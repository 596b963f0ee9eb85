import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { AppError, type AgentSpec } from "@tutti/core";
import { z } from "zod";
import { issuesIn, readYaml } from "../config/index.ts";
import { compilePattern, namesIn } from "../routing/index.ts";
import { templatePattern } from "./resources.ts";
import { workflowToolName } from "../workflow-tools.ts";

const STEPS_MAX = 50;
const HISTORY_MESSAGES_MAX = 1_000;

const routeSchema = z.strictObject({
  id: z.string().min(1),
  match: z.string().min(1),
  tool: z.string().min(1),
  input: z.json(),
  reason: z.string().min(1),
  answer: z.string().exactOptional(),
});

const limitsSchema = z.strictObject({
  stepsMax: z.int().min(1).max(STEPS_MAX).default(8),
  historyMessagesMax: z.int().min(1).max(HISTORY_MESSAGES_MAX).default(40),
});

/** A tool by its name, or a workflow or an agent, each of which is a tool too. */
const toolSchema = z.union(
  [
    z.string().min(1),
    z.strictObject({ workflow: z.string().min(1) }).transform(({ workflow }) => workflowToolName(workflow)),
    z.strictObject({ agent: z.string().min(1) }).transform(({ agent }) => workflowToolName(agent)),
  ],
  "wanted a tool's name, {workflow: name} or {agent: name}",
);

const RESOURCES_MAX = 20;
const resourceSchema = z.strictObject({
  server: z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9-]{0,31}$/, "wanted the name of an MCP server"),
  uri: z
    .string()
    .max(2048)
    .regex(/^[a-zA-Z][a-zA-Z0-9+.-]*:\S+$/, "wanted a URI with its scheme, such as file:///srv/notes/a.md, or a template of one"),
  charactersMax: z.int().min(100).max(100_000).exactOptional(),
});

const agentSchema = z
  .strictObject({
    name: z.string().regex(/^[a-z][a-z0-9-]{0,63}$/, "wanted lower-case letters, digits and dashes, beginning with a letter"),
    version: z.union([z.string().min(1), z.number().transform(String)], 'wanted a version such as 1 or "1.2"').default("1"),
    description: z.string().min(1),
    instructions: z.string().min(1),
    model: z.string().min(1).default("default"),
    tools: z.array(toolSchema).default([]),
    skills: z.array(z.string().min(1).max(64)).max(100).exactOptional(),
    resources: z.array(resourceSchema).max(RESOURCES_MAX).exactOptional(),
    routes: z.array(routeSchema).default([]),
    starters: z.array(z.string().min(1).max(500)).max(20).exactOptional(),
    limits: limitsSchema.prefault({}),
  })
  .superRefine((agent, check) => {
    for (const [index, { uri }] of (agent.resources ?? []).entries()) {
      const message = templateProblem(uri);
      if (message !== undefined) check.addIssue({ code: "custom", path: ["resources", index, "uri"], message });
    }
    for (const [index, route] of agent.routes.entries()) {
      const problem = (key: keyof typeof route, message: string): void =>
        check.addIssue({ code: "custom", path: ["routes", index, key], message });
      if (agent.routes.findIndex(({ id }) => id === route.id) < index) problem("id", `wanted an id of its own, got "${route.id}" again`);
      if (!agent.tools.includes(route.tool))
        problem("tool", `wanted one of the agent's tools (${agent.tools.join(", ") || "none"}), got "${route.tool}"`);
      checkPattern(route, problem);
    }
  });

/** What is wrong with the braces of a template. */
function templateProblem(uri: string): string | undefined {
  if (/[{}]/.test(uri.replaceAll(/\{\+?\w+\}/g, ""))) return "wanted {name} or {+path} in a template, got other braces";
  try {
    templatePattern(uri);
    return undefined;
  } catch (error) {
    return AppError.from(error).message;
  }
}

function checkPattern(route: z.output<typeof routeSchema>, problem: (key: "match" | "input", message: string) => void): void {
  try {
    const groups = Object.keys(compilePattern(route.match).namedGroups());
    const unknown = namesIn(route.input).find((name) => name !== "text" && !groups.includes(name));
    if (unknown !== undefined)
      problem("input", `$${unknown} is no named group of match (${groups.join(", ") || "there are none"}); write $$ for a dollar sign`);
  } catch (error) {
    problem("match", AppError.from(error).message);
  }
}

/** The agent that a YAML file holds. Throws `invalid_config` that names every problem with its line and column, one on each line. */
export async function readAgentFile(location: URL | string): Promise<AgentSpec> {
  const path = location instanceof URL ? fileURLToPath(location) : resolve(location);
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw new AppError("invalid_config", `the agent file ${path} cannot be read: ${AppError.from(error).message}`, { cause: error });
  });
  const file = readYaml(text, path);
  if (file.problems.length > 0) throw new AppError("invalid_config", file.problems.join("\n"));
  const result = agentSchema.safeParse(file.value);
  if (result.success) return result.data;
  throw new AppError("invalid_config", issuesIn(file, result.error.issues, { what: "an agent file" }));
}

import type { Json } from "./json.ts";

/** An agent as data: what an agent's YAML file holds. */
export interface AgentSpec {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly instructions: string;
  /** A model id, or "default" for whatever is configured. */
  readonly model: string;
  readonly tools: readonly string[];
  /** Skills it knows of: it sees what each is for, and reads the rest when it needs it. */
  readonly skills?: readonly string[];
  /** What it is given to read before each conversation, from MCP servers. */
  readonly resources?: readonly AgentResource[];
  /** Deterministic routes, tried in order when no model is configured. */
  readonly routes: readonly AgentRoute[];
  /** Things to ask it, for those who do not know yet. */
  readonly starters?: readonly string[];
  readonly limits: { readonly stepsMax: number; readonly historyMessagesMax: number };
}

/** A resource of an MCP server, or with `{name}` in `uri` those that it lists and that fit. */
interface AgentResource {
  readonly server: string;
  readonly uri: string;
  /** How much of it is read. */
  readonly charactersMax?: number;
}

/**
 * `match` is a regular expression in RE2 syntax; `$name` in `input` stands for a named group. `answer` is what to say, with `$name` for the
 * fields of the tool's output; without it the output is shown as it is.
 */
interface AgentRoute {
  readonly id: string;
  readonly match: string;
  readonly tool: string;
  readonly input: Json;
  readonly reason: string;
  readonly answer?: string;
}

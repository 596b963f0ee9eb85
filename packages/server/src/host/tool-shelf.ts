import { createHash } from "node:crypto";
import { AppError, parse, type Json, type Schema, type Tool } from "@tutti/core";
import { jsonSchema } from "../schemas/index.ts";

/** A tool that can be called: its input is checked by the engine, its output here. */
export type RegisteredTool = Tool & { readonly input: Schema<Json>; readonly source: string };

/** What every provider of models takes as the name of a function. */
const NAME = /^[a-zA-Z0-9_-]{1,64}$/;
const NAME_CHARACTERS_MAX = 64;
/** Schemas of so many tools fit no model's context; a server that lists more is at fault. */
const TOOLS_PER_SOURCE_MAX = 1_000;
const TOOLS_MAX = 10_000;

/** Sources whose tools get the source's name in front: names of strangers must not collide with ours. */
const NAMESPACED = /^(?:mcp|openapi):(.+)$/;

/** All tools by name, from every source; sources come and go while Tutti runs. */
export class ToolShelf {
  readonly #tools = new Map<string, RegisteredTool>();
  readonly #listeners = new Set<() => void>();

  get(name: string): RegisteredTool | undefined {
    return this.#tools.get(name);
  }

  get all(): readonly RegisteredTool[] {
    return [...this.#tools.values()];
  }

  /** The name under which a tool of a source is found: "NAME_tool" for tools of MCP servers and API descriptions. Pure. */
  static nameOf(source: string, tool: string): string {
    const namespace = NAMESPACED.exec(source)?.[1];
    return namespace === undefined ? tool : fitted(`${namespace}_${tool}`);
  }

  /** Takes all tools or none. A name that another source has is a `conflict`; one that the same source has is replaced. */
  add(source: string, tools: readonly Tool[]): readonly RegisteredTool[] {
    const registered = this.#check(source, tools);
    for (const tool of registered) this.#tools.set(tool.name, tool);
    this.#tell();
    return registered;
  }

  /** As `add`, and the source's other tools go at the same moment. */
  replace(source: string, tools: readonly Tool[]): readonly RegisteredTool[] {
    const registered = this.#check(source, tools);
    for (const { name } of this.all.filter((tool) => tool.source === source)) this.#tools.delete(name);
    for (const tool of registered) this.#tools.set(tool.name, tool);
    this.#tell();
    return registered;
  }

  #check(source: string, tools: readonly Tool[]): readonly RegisteredTool[] {
    if (tools.length > TOOLS_PER_SOURCE_MAX || this.#tools.size + tools.length > TOOLS_MAX)
      throw new AppError("too_large", `wanted at most ${TOOLS_PER_SOURCE_MAX} tools of ${source}, got ${tools.length}; pick some of them`);
    const registered = tools.map((tool) => register(source, tool));
    const names = new Set<string>();
    for (const { name } of registered) {
      const owner = this.#tools.get(name)?.source;
      if (names.has(name) || (owner !== undefined && owner !== source))
        throw new AppError(
          "conflict",
          `wanted a new tool name, got "${name}", which ${owner ?? source} has already; rename it in ${source}`,
        );
      names.add(name);
    }
    return registered;
  }

  /** Takes a source's tools away; returns their names. Calls under way end as they would. */
  remove(source: string): readonly string[] {
    const names = this.all.filter((tool) => tool.source === source).map(({ name }) => name);
    for (const name of names) this.#tools.delete(name);
    if (names.length > 0) this.#tell();
    return names;
  }

  /** Takes tools again as they were. */
  putBack(tools: readonly RegisteredTool[]): void {
    for (const tool of tools) this.#tools.set(tool.name, tool);
    if (tools.length > 0) this.#tell();
  }

  /** Tells of every change of the list. Listeners must not throw. */
  subscribe(listener: () => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

function register(source: string, tool: Tool): RegisteredTool {
  const name = ToolShelf.nameOf(source, tool.name);
  if (!NAME.test(name))
    throw new AppError(
      "invalid_input",
      `wanted a tool name of 1 to ${NAME_CHARACTERS_MAX} letters, digits, "_" and "-", got ${JSON.stringify(name)} from ${source}`,
    );
  const input = tool.input ?? jsonSchema(tool.parameters);
  if (tool.output === undefined) return { ...tool, name, source, input, run: (value, call) => tool.run(value, call) };
  const output = jsonSchema(tool.output);
  return {
    ...tool,
    name,
    source,
    input,
    run: async (value, call) => {
      const given = await tool.run(value, call);
      await parse(output, given, `the output of "${name}"`).catch((cause: unknown) => {
        const why = cause instanceof Error ? cause.message : String(cause);
        throw new AppError("invalid_output", `${why}; it may have done its work all the same: look before you call it again`, { cause });
      });
      return given;
    },
  };
}

/** A name as providers take it; a hash keeps cut and cleaned names apart. */
function fitted(name: string): string {
  const clean = name.replaceAll(/[^a-zA-Z0-9_-]/g, "_");
  if (clean === name && name.length <= NAME_CHARACTERS_MAX) return name;
  const hash = createHash("sha256").update(name).digest("hex").slice(0, 8);
  return `${clean.slice(0, NAME_CHARACTERS_MAX - hash.length - 1)}_${hash}`;
}

import { AppError, type Json, type Principal } from "@tutti/core";
import { comparePins, nameOf, pinOf, type PinnedTool, type Pins } from "./pins.ts";

/** Where what was approved is kept. */
export interface PinKeeping {
  readonly loadPins: () => Promise<Pins | undefined>;
  readonly savePins: (pins: Pins) => Promise<void>;
}

/** Who approves, and the hashes of what they saw, which guard against a change in between. */
export interface Approving {
  readonly principal: Principal;
  readonly hashes?: Readonly<Record<string, string>> | undefined;
}

/** The tools of one server: what it lists, held against what a person approved. */
export class ToolList {
  readonly #server: string;
  readonly #keeping: PinKeeping;
  #tools: readonly PinnedTool[] = [];

  constructor(server: string, keeping: PinKeeping) {
    this.#server = server;
    this.#keeping = keeping;
  }

  get all(): readonly PinnedTool[] {
    return this.#tools;
  }

  get approved(): readonly PinnedTool[] {
    return this.#tools.filter(({ state }) => state === "approved");
  }

  /** What was approved before counts as listed until the server was asked. */
  async load(): Promise<void> {
    const pins = await this.#keeping.loadPins();
    const known = Object.values(pins?.tools ?? {}).map(({ tool }) => tool);
    this.#tools = comparePins(known, pins);
  }

  /** Takes what the server lists now; tells whether anything is different from before. */
  async take(listed: readonly Json[]): Promise<boolean> {
    const before = JSON.stringify(this.#tools);
    this.#tools = comparePins(uniqueByName(listed), await this.#keeping.loadPins());
    return JSON.stringify(this.#tools) !== before;
  }

  /** Approves tools as they are listed now, all or those named. */
  async approve(names: readonly string[] | undefined, { principal, hashes }: Approving): Promise<void> {
    const listed = this.#tools.filter(({ state }) => state !== "gone");
    const chosen = listed.filter(({ name }) => names === undefined || names.includes(name));
    const unknown = names?.find((name) => chosen.every((tool) => tool.name !== name));
    if (unknown !== undefined)
      throw new AppError(
        "not_found",
        `wanted a tool of the MCP server "${this.#server}", got "${unknown}", which it does not list; \`tutti mcp show ${this.#server}\` lists them`,
      );
    const moved = chosen.find(({ name, hash }) => hashes?.[name] !== undefined && hashes[name] !== hash);
    if (moved !== undefined)
      throw new AppError("conflict", `wanted to approve "${moved.name}" as it was shown, got one that changed since; look at it again`);
    const before = (await this.#keeping.loadPins())?.tools ?? {};
    const approved = Object.fromEntries(chosen.map(({ name, tool }) => [name, pinOf(tool)]));
    const pins = { tools: { ...before, ...approved }, approvedBy: principal.id, approvedAt: new Date().toISOString() };
    await this.#keeping.savePins(pins);
    this.#tools = comparePins(
      listed.map(({ tool }) => tool),
      pins,
    );
  }

  /** Changed since it was approved means disabled, also when the change came a moment ago. */
  requireApproved(name: string): void {
    const state = this.#tools.find((tool) => tool.name === name)?.state ?? "gone";
    if (state !== "approved")
      throw new AppError(
        "denied",
        `the tool "${name}" of the MCP server "${this.#server}" is ${state} since it was approved; see \`tutti mcp show ${this.#server}\`, then \`tutti mcp approve ${this.#server} ${name}\``,
      );
  }
}

/** Of two tools with one name, a person would approve one and a model be given the other: the first counts. */
function uniqueByName(tools: readonly Json[]): readonly Json[] {
  return [...new Map(tools.toReversed().map((tool) => [nameOf(tool), tool])).values()].toReversed();
}

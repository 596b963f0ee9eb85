import { AppError, type Engine, type Json, type Principal, type Store } from "@tutti/core";
import type { Panel, PanelContent, PanelSlot, PanelSource } from "@tutti/core/plugin";
import type { Preview } from "../policies-in-force.ts";
import type { Registry } from "../registry.ts";
import { toolWorkflow } from "../tool-workflow.ts";
import { contentOf } from "./content.ts";
import { datasetTool } from "./datasets.ts";
import { readEntered } from "./entered.ts";

/** A panel waits no longer than this for what feeds it. */
const DATA_MS = 30_000;

/** A panel as the console finds it. */
export type PanelEntry = Panel & {
  readonly plugin: string;
  readonly version: string | null;
  /** Whether policy lets this person see it, as far as that does not depend on what is entered. */
  readonly allowed: Preview;
};

/** What a panel shows now, and the run that recorded the call; none where nothing was called. */
export interface PanelData {
  readonly plugin: string;
  readonly panel: string;
  readonly at: string;
  readonly runId: string | null;
  readonly content: PanelContent;
}

/** What somebody asks of a panel. */
export interface PanelAsk {
  readonly plugin: string;
  readonly panel: string;
  readonly principal: Principal;
  /** What was entered into its fields. */
  readonly input: { readonly [key: string]: Json };
  /** Used when policy asks for an approval. */
  readonly approvalId?: string | undefined;
  /** Whose answer to show, of a panel over a workflow; the newest run under way unless given. */
  readonly runId?: string | undefined;
}

/** The panels that plugins bring, and what feeds them: a tool's call is decided as the person's own, and is a run like any other. */
export class Panels {
  readonly #registry: Registry;
  readonly #engine: Engine;
  readonly #store: Store;

  constructor(parts: { readonly registry: Registry; readonly engine: Engine; readonly store: Store }) {
    this.#registry = parts.registry;
    this.#engine = parts.engine;
    this.#store = parts.store;
  }

  /** All panels, or those of one slot, in the order of their plugins. */
  list(principal: Principal, slot?: PanelSlot): readonly PanelEntry[] {
    return this.#registry.panels
      .filter(({ panel }) => slot === undefined || panel.slot === slot)
      .map(({ plugin, version, panel }) => ({ ...panel, plugin, version, allowed: this.#preview(plugin, panel, principal) }));
  }

  async data(ask: PanelAsk, signal: AbortSignal): Promise<PanelData> {
    const panel = this.#require(ask.plugin, ask.panel);
    if (panel.view === "chat")
      throw new AppError("unsupported", `wanted a panel with data, got ${panel.id}, which is a chat; talk to the model "${panel.agent}"`);
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(DATA_MS)]);
    const input = readEntered(panel.fields ?? [], ask.input);
    const { output, runId } = await this.#ask(panel, { ...ask, input }, bounded).catch((thrown: unknown) => {
      if (bounded.aborted && !signal.aborted)
        throw new AppError("timeout", `the panel ${panel.id} of ${ask.plugin} got nothing to show within ${DATA_MS} ms`);
      throw thrown;
    });
    return { plugin: ask.plugin, panel: panel.id, at: new Date().toISOString(), runId, content: contentOf(panel, output) };
  }

  #ask(
    panel: Exclude<Panel, { readonly view: "chat" }>,
    ask: PanelAsk,
    signal: AbortSignal,
  ): Promise<{ readonly output: Json; readonly runId: string | null }> {
    const { source } = panel;
    if ("text" in source) return Promise.resolve({ output: source.text, runId: null });
    if ("workflow" in source) return this.#query(source, ask.runId);
    const tool = toolOf(ask.plugin, source) ?? "";
    if (panel.view !== "form") this.#requireReading(panel, tool);
    const preset = "tool" in source ? source.input : undefined;
    return this.#call({ tool, input: { ...preset, ...ask.input } }, ask, signal);
  }

  async #call(
    call: { readonly tool: string; readonly input: Json },
    { principal, approvalId }: PanelAsk,
    signal: AbortSignal,
  ): Promise<{ readonly output: Json; readonly runId: string }> {
    const approval = approvalId === undefined ? "refuse" : { id: approvalId };
    const { runId } = await this.#engine.start(toolWorkflow.name, { ...call, approval }, { principal });
    return { output: await this.#engine.result(runId, signal), runId };
  }

  async #query(
    { workflow, query }: Extract<PanelSource, { readonly workflow: string }>,
    asked: string | undefined,
  ): Promise<{ readonly output: Json; readonly runId: string }> {
    const runId = asked ?? (await this.#store.runs({ statuses: ["running", "waiting"], workflow, limit: 1 }))[0]?.id;
    if (runId === undefined)
      throw new AppError("not_found", `wanted a run of ${workflow} that is under way, got none; start one with \`tutti run ${workflow}\``);
    const run = await this.#store.run(runId);
    if (run?.workflow !== workflow) throw new AppError("not_found", `wanted a run of ${workflow}, got "${runId}", which is none`);
    return { output: await this.#engine.query(runId, query), runId };
  }

  /** What is asked by itself again and again must change nothing. */
  #requireReading(panel: Panel, name: string): void {
    const tool = this.#registry.tool(name);
    if (tool === undefined) throw new AppError("not_found", `the panel ${panel.id} is fed by the tool ${name}, which is not there`);
    if (tool.effect !== "read")
      throw new AppError(
        "denied",
        `a panel that shows may call tools that read, got ${name}, which can ${tool.effect}; make the panel a form`,
      );
  }

  #preview(plugin: string, panel: Panel, principal: Principal): Preview {
    const name = "source" in panel ? toolOf(plugin, panel.source) : undefined;
    if (name === undefined) return { effect: "allow", reason: "no tool is called for it", rule: "panels" };
    const tool = this.#registry.tool(name);
    if (tool === undefined) return { effect: "deny", reason: `its tool ${name} is not there`, rule: "panels" };
    return this.#registry.decideTool(tool, principal);
  }

  #require(plugin: string, id: string): Panel {
    const found = this.#registry.panels.find((entry) => entry.plugin === plugin && entry.panel.id === id);
    if (found !== undefined) return found.panel;
    const known = this.#registry.panels.filter((entry) => entry.plugin === plugin).map(({ panel }) => panel.id);
    throw new AppError("not_found", `wanted a panel of the plugin ${plugin}, got "${id}"; there are: ${known.join(", ") || "none"}`);
  }
}

/** The tool that a source calls, where it calls one. Pure. */
export function toolOf(plugin: string, source: PanelSource | { readonly text: string }): string | undefined {
  if ("tool" in source) return source.tool;
  return "dataset" in source ? datasetTool(plugin, source.dataset) : undefined;
}

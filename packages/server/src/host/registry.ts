import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import {
  AppError,
  type Action,
  type AgentSpec,
  type Decision,
  type Model,
  type Plugin,
  type Policy,
  type Principal,
  type Tool,
  type Workflow,
} from "@tutti/core";
import type { Panel } from "@tutti/core/plugin";
import type { ActionFacts, RunFacts } from "@tutti/core/policy";
import { graphWorkflow, requireGraph, type GraphHost } from "../engine/index.ts";
import { agentWorkflow, readAgentFile, type AgentDeps } from "./agents/index.ts";
import { readPanels } from "./panels/panel-schema.ts";
import { Policies, type Preview } from "./policies-in-force.ts";
import { toolWorkflow } from "./tool-workflow.ts";
import { openSkill, type Skill } from "./plugin-folder/skill.ts";
import { skillTool } from "./plugin-folder/skill-tool.ts";
import { ToolShelf, type RegisteredTool } from "./tool-shelf.ts";
import { workflowTool } from "./workflow-tools.ts";

/** A plugin that is loaded, by what it brought. */
export interface LoadedPlugin {
  readonly name: string;
  readonly path: string;
  readonly workflows: readonly string[];
  readonly tools: readonly string[];
  readonly agents: readonly string[];
}

/** A panel, and whose it is. */
interface RegisteredPanel {
  readonly plugin: string;
  readonly version: string | null;
  readonly panel: Panel;
}

/** Versions of one workflow that are kept for runs that began with them. */
const OLDER_VERSIONS_MAX = 20;

/** What a plugin brings, read. */
interface Brought {
  readonly agents: readonly AgentSpec[];
  readonly workflows: readonly Workflow[];
  readonly skills: readonly Skill[];
  readonly panels: readonly Panel[];
  /** Names of workflows and agents that the plugin's earlier version has. */
  readonly own?: ReadonlySet<string>;
}

/** Everything that can be named: tools, workflows, agents, models and policies, from the built-ins and from plugins. */
export class Registry {
  readonly #tools = new ToolShelf();
  /** By name, the newest last: a run is pinned to the version it began with. */
  readonly #workflows = new Map<string, readonly Workflow[]>();
  readonly #agents = new Map<string, AgentSpec>();
  readonly #models = new Map<string, Model>();
  readonly #plugins = new Map<string, LoadedPlugin>();
  readonly #graphs: GraphHost;
  /** By the plugin that brought them. */
  readonly #skills = new Map<string, readonly Skill[]>();
  readonly #panels = new Map<string, readonly RegisteredPanel[]>();
  readonly #loaded: Plugin[] = [];
  /** Names of workflows that are graphs which people saved. */
  readonly #savedGraphs = new Set<string>();
  readonly policies: Policies;
  /** Versions that plugins have replaced, for the runs that began with them. */
  readonly #older = new Map<string, readonly Workflow[]>();

  constructor(options: {
    readonly tools: readonly Tool[];
    readonly workflows: readonly Workflow[];
    readonly toolsAllow: readonly string[];
    readonly policies?: readonly Policy[];
    readonly graphs: GraphHost;
  }) {
    this.#graphs = options.graphs;
    const skills = skillTool(
      (name) => this.skill(name),
      () => this.skills,
    );
    this.#tools.add("built-in", [...options.tools, skills]);
    for (const workflow of options.workflows) this.#workflows.set(workflow.name, [workflow]);
    this.policies = new Policies(options.toolsAllow, options.policies ?? []);
  }

  tool(name: string): RegisteredTool | undefined {
    return this.#tools.get(name) ?? this.#workflowTools.find((tool) => tool.name === name);
  }

  /** The newest version, or the one asked for. */
  workflow(name: string, version?: string): Workflow | undefined {
    const versions = this.#workflows.get(name);
    if (version === undefined) return versions?.at(-1);
    const isIt = (workflow: Workflow): boolean => workflow.version === version;
    return versions?.find(isIt) ?? this.#older.get(name)?.findLast(isIt);
  }

  agent(name: string): AgentSpec | undefined {
    return this.#agents.get(name);
  }

  model(id: string): Model | undefined {
    return this.#models.get(id);
  }

  get tools(): readonly RegisteredTool[] {
    return [...this.#tools.all, ...this.#workflowTools];
  }

  /** Workflows and agents, which are tools too. */
  get #workflowTools(): readonly RegisteredTool[] {
    return [...this.#workflows].flatMap(([name, versions]) => {
      const newest = versions.at(-1);
      return newest === undefined || name.startsWith("tutti.") ? [] : [workflowTool(newest, this.#agents.get(name))];
    });
  }

  /**
   * Takes tools of a source ("mcp:NAME", "openapi:NAME", …), all or none, also while runs go on; returns them under the names by which they
   * are found: "NAME_tool" for these two. The same name of the same source again replaces the tool; another source's is a `conflict`.
   */
  addTools(source: string, tools: readonly Tool[]): readonly RegisteredTool[] {
    return this.#tools.add(source, tools);
  }

  /** Takes a source's tools away; returns their names. */
  removeTools(source: string): readonly string[] {
    return this.#tools.remove(source);
  }

  /** Takes tools again that were taken away a moment ago. */
  putBack(tools: readonly RegisteredTool[]): void {
    this.#tools.putBack(tools);
  }

  /** Tells when the list of tools has changed. Listeners must not throw. */
  subscribeTools(listener: () => void): Disposable {
    return this.#tools.subscribe(listener);
  }

  /** Whether policy lets somebody call a tool, as far as that does not depend on the input or on a run. */
  decideTool({ name, effect, source }: RegisteredTool, principal: Principal): Preview {
    const facts = { at: new Date().toISOString(), tool: { effect, source }, run: FRESH_RUN };
    return this.policies.preview({ kind: "tool.call", principal, resource: name, facts });
  }

  /** Workflows that people start: the host's own are not listed. */
  get workflows(): readonly Workflow[] {
    return [...this.#workflows.values()].flat().filter(({ name }) => !name.startsWith("tutti."));
  }

  skill(name: string): Skill | undefined {
    return this.skills.find((skill) => skill.name === name);
  }

  get skills(): readonly Skill[] {
    return [...this.#skills.values()].flat();
  }

  get panels(): readonly RegisteredPanel[] {
    return [...this.#panels.values()].flat();
  }

  get agents(): readonly AgentSpec[] {
    return [...this.#agents.values()];
  }

  get models(): readonly Model[] {
    return [...this.#models.values()];
  }

  get plugins(): readonly LoadedPlugin[] {
    return [...this.#plugins.values()];
  }

  /** The plugins themselves, in the order in which they came. */
  get loaded(): readonly Plugin[] {
    return this.#loaded;
  }

  get policyHash(): string {
    return this.policies.hash;
  }

  /** Decides; whoever did not say what was known is helped out with what is known now. */
  decide(action: Action): Decision {
    const facts = action.facts ?? this.factsOf(action);
    return this.policies.decide(facts === undefined ? action : { ...action, facts });
  }

  /** What is known of an action outside of runs, where some policy looks. */
  factsOf({ kind, resource }: Pick<Action, "kind" | "resource">): ActionFacts | undefined {
    if (!this.policies.looksAt(kind)) return undefined;
    const tool = kind === "tool.call" ? this.#tools.get(resource) : undefined;
    return { at: new Date().toISOString(), ...(tool && { tool: { effect: tool.effect, source: tool.source } }) };
  }

  /** Registers all a plugin brings, or nothing: a name that is taken refuses the whole plugin. */
  async add(plugin: Plugin, path: string, deps: AgentDeps): Promise<LoadedPlugin> {
    const brought = await this.#read(plugin, deps);
    refuseTaken("plugin", [plugin.name], this.#plugins);
    const loaded = this.#put(plugin, path, brought);
    this.#loaded.push(plugin);
    return loaded;
  }

  /**
   * Puts a plugin in the place of the version of it that is loaded, if any, at one moment: all of it, or nothing. Runs that began with the
   * agents and graphs of the earlier version keep them; `build` tells versions of the same number apart.
   */
  async replace(
    plugin: Plugin,
    path: string,
    { deps, build }: { readonly deps: AgentDeps; readonly build: string },
  ): Promise<LoadedPlugin> {
    const { agents, workflows, skills, panels } = await this.#read(plugin, deps);
    if (this.#loaded.some(({ name }) => name === plugin.name))
      throw new AppError("conflict", `wanted a name of its own, got ${plugin.name}, which a plugin in Tutti's own process has; rename it`);
    const built = workflows.map((workflow) => ({ ...workflow, version: `${workflow.version}+${build}` }));
    const before = this.#plugins.get(plugin.name);
    const own = new Set([...(before?.workflows ?? []), ...(before?.agents ?? [])]);
    return this.#put(plugin, path, { agents, workflows: built, skills, panels, own });
  }

  /**
   * Takes the versions of a graph that people saved, the oldest first; the newest is what starts, unless the name was given up. A name that
   * somebody else has is left to them.
   */
  putGraph(name: string, versions: readonly Workflow[], isInUse: boolean): void {
    if (this.#workflows.has(name) && !this.#savedGraphs.has(name)) return;
    const newest = isInUse ? versions.at(-1) : undefined;
    this.#older.set(name, newest === undefined ? versions : versions.slice(0, -1));
    if (newest === undefined) this.#workflows.delete(name);
    else this.#workflows.set(name, [newest]);
    if (newest === undefined) this.#savedGraphs.delete(name);
    else this.#savedGraphs.add(name);
  }

  /** Takes a plugin away, with all that it brought. Runs that need it fail or pause, and say what is gone. */
  remove(name: string): void {
    const before = this.#plugins.get(name);
    if (before === undefined) return;
    for (const gone of [...before.workflows, ...before.agents]) {
      this.#workflows.delete(gone);
      this.#older.delete(gone);
    }
    for (const agent of before.agents) this.#agents.delete(agent);
    this.#tools.remove(`plugin:${name}`);
    this.#plugins.delete(name);
    this.#skills.delete(name);
    this.#panels.delete(name);
    this.policies.put(name, []);
  }

  async #read(plugin: Plugin, deps: AgentDeps): Promise<Brought> {
    const agents = await Promise.all((plugin.agents ?? []).map(async (agent) => (agent instanceof URL ? readAgentFile(agent) : agent)));
    const graphs = await Promise.all((plugin.graphs ?? []).map((url) => this.#readGraph(url)));
    const skills = await Promise.all((plugin.skills ?? []).map((url) => openSkill(fileURLToPath(url), true)));
    const panels = readPanels(plugin.name, plugin.panels ?? []);
    return {
      agents,
      skills,
      panels,
      workflows: [...(plugin.workflows ?? []), ...graphs, ...agents.map((agent) => agentWorkflow(agent, deps))],
    };
  }

  /** Everything is checked before anything is changed. */
  #put(plugin: Plugin, path: string, { agents, workflows, skills, panels, own = new Set() }: Brought): LoadedPlugin {
    const names = new Set(workflows.map(nameOf));
    const agentNames = agents.map(nameOf);
    const loaded = {
      name: plugin.name,
      path,
      workflows: [...names].filter((name) => !agentNames.includes(name)),
      tools: (plugin.tools ?? []).map(nameOf),
      agents: agentNames,
    };
    refuseTaken(
      "workflow or agent",
      [...names].filter((name) => !own.has(name)),
      this.#workflows,
    );
    refuseTaken("version of a workflow", workflows.map(versionOf), new Map());
    const others = [...this.#skills].flatMap(([owner, taken]) =>
      owner === plugin.name ? [] : taken.map(({ name }) => [name, owner] as const),
    );
    refuseTaken("skill", skills.map(nameOf), new Map(others));
    this.#tools.replace(`plugin:${plugin.name}`, plugin.tools ?? []);
    for (const name of own) {
      this.#older.set(name, [...(this.#older.get(name) ?? []), ...(this.#workflows.get(name) ?? [])].slice(-OLDER_VERSIONS_MAX));
      this.#workflows.delete(name);
      this.#agents.delete(name);
    }
    for (const workflow of workflows) this.#workflows.set(workflow.name, [...(this.#workflows.get(workflow.name) ?? []), workflow]);
    for (const agent of agents) this.#agents.set(agent.name, agent);
    for (const model of plugin.models ?? []) this.#models.set(model.id, model);
    this.#skills.set(plugin.name, skills);
    this.#panels.set(
      plugin.name,
      panels.map((panel) => ({ plugin: plugin.name, version: plugin.version ?? null, panel })),
    );
    this.#plugins.set(plugin.name, loaded);
    this.policies.put(plugin.name, plugin.policies ?? []);
    return loaded;
  }

  async #readGraph(url: URL): Promise<Workflow> {
    const file = fileURLToPath(url);
    return graphWorkflow(requireGraph(await readFile(file, "utf8"), file), this.#graphs);
  }
}

/** What a call from outside finds: a run that has done nothing yet. */
const FRESH_RUN: RunFacts = { runId: "", workflow: toolWorkflow.name, calls: {}, tainted: [], tokens: 0, costUsd: 0 };

const versionOf = ({ name, version }: Workflow): string => `${name} ${version}`;
const nameOf = ({ name }: { readonly name: string }): string => name;

function refuseTaken(what: string, names: readonly string[], taken: ReadonlyMap<string, unknown>): void {
  const name = names.find((candidate, index) => taken.has(candidate) || names.indexOf(candidate) !== index);
  if (name !== undefined)
    throw new AppError("conflict", `wanted a new ${what} name, got "${name}", which is taken; rename it in the plugin`);
}

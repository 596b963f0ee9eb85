import { realpath } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { AppError, canonicalJson, type Json, type Plugin, type Policy, type Principal, type Tool } from "@tutti/core";
import type { PluginPermissions } from "@tutti/core/plugin";
import { PluginRunner, type RunnerState } from "../../plugins/index.ts";
import { openDataset } from "../panels/index.ts";
import { toolWorkflow } from "../tool-workflow.ts";
import type { Marks } from "./marks.ts";
import { readManifest, type PluginManifest } from "./manifest.ts";
import { requireFed } from "./panel-sources.ts";
import { PluginStore } from "./plugin-store.ts";
import { servicesFor, type Grantee, type ServiceParts } from "./services.ts";
import { openSkill, type Skill } from "./skill.ts";

/** One version of a plugin that is loaded: what its folder held at one moment, and the process that runs it. */
export interface Generation extends AsyncDisposable {
  readonly manifest: PluginManifest;
  readonly hash: string;
  readonly path: string;
  readonly skills: readonly Skill[];
  readonly runner: PluginRunner | undefined;
  readonly plugin: Plugin;
}

/** What a generation is opened with. */
export interface GenerationParts {
  readonly services: ServiceParts;
  readonly settings: Json;
  readonly secrets: Readonly<Record<string, string>>;
  readonly marks: Marks;
  readonly onState: (state: RunnerState) => void;
  /** Which process a call goes to: a run under way keeps the one it began with. */
  readonly runnerOf: (runId: string) => PluginRunner | undefined;
}

/** A folder's copy, and what it is called by its content. */
interface Copy {
  readonly path: string;
  readonly hash: string;
}

/** Reads what a copy brings, and starts its process. Throws why when anything of it is not right; then nothing is left behind. */
export async function openGeneration(copy: Copy, parts: GenerationParts, signal: AbortSignal): Promise<Generation> {
  await using opening = new AsyncDisposableStack();
  const manifest = await readManifest(copy.path);
  const { name, permissions } = manifest;
  const skills = await Promise.all(manifest.skills.map((way) => openSkill(join(copy.path, way), way === ".")));
  const runner = manifest.entry === undefined ? undefined : await startRunner({ manifest, copy, parts, opening }, signal);
  const tools = [
    ...(runner?.tools ?? []).map((description) =>
      toolOf(description, { runnerOf: parts.runnerOf, marked: (work) => parts.marks.during(name, work) }),
    ),
    ...(await datasetsOf(manifest, copy, parts.services)),
  ];
  const missing = permissions.offers.find((offered) => !tools.some((tool) => tool.name === offered));
  if (missing !== undefined)
    throw new AppError(
      "invalid_config",
      `permissions.offers names ${missing}, which is no tool of the plugin; it brings ${tools.map((tool) => tool.name).join(", ") || "none"}`,
    );
  await requireFed(copy.path, { manifest, tools });
  const plugin: Plugin = {
    name,
    version: manifest.version,
    tools,
    agents: manifest.agents.map((way) => pathToFileURL(join(copy.path, way))),
    graphs: manifest.graphs.map((way) => pathToFileURL(join(copy.path, way))),
    skills: manifest.skills.map((way) => pathToFileURL(join(copy.path, way))),
    schedules: manifest.schedules,
    subscriptions: manifest.subscriptions,
    panels: manifest.panels,
    policies: policiesOf(name, permissions),
  };
  const owned = opening.move();
  return { manifest, ...copy, skills, runner, plugin, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** What of an earlier version runs may still need by name: its agents and graphs, without a process. */
export async function olderVersion({ path }: Copy): Promise<Plugin> {
  const { name, agents, graphs } = await readManifest(path);
  return { name, agents: agents.map((way) => pathToFileURL(join(path, way))), graphs: graphs.map((way) => pathToFileURL(join(path, way))) };
}

function datasetsOf({ name, datasets }: PluginManifest, { path }: Copy, { store }: ServiceParts): Promise<readonly Tool[]> {
  const storage = new PluginStore(name, store);
  const stored = async (key: string): Promise<Json> => ((await storage.get(key)) as { readonly value?: Json }).value ?? [];
  return Promise.all(datasets.map((dataset) => openDataset(dataset, { plugin: name, pathOf: (file) => join(path, file), stored })));
}

/** How long calls under way may take to finish when their process is replaced. */
const GRACE_MS = 5_000;

interface RunnerStart {
  readonly manifest: PluginManifest;
  readonly copy: Copy;
  readonly parts: GenerationParts;
  readonly opening: AsyncDisposableStack;
}

async function startRunner({ manifest, copy, parts, opening }: RunnerStart, signal: AbortSignal): Promise<PluginRunner> {
  const { name, entry = "", permissions } = manifest;
  // Node's permission model compares real paths.
  const folder = await realpath(copy.path);
  const grantee: Grantee = { name, permissions, secrets: parts.secrets };
  const services = opening.use(servicesFor(grantee, parts.services));
  const spec = {
    name,
    folder,
    entry: join(folder, entry),
    settings: parts.settings,
    memoryMb: permissions.memoryMb,
    reads: permissions.paths.map((path) => path.replace(/^rw:/, "")),
    writes: permissions.paths.filter((path) => path.startsWith("rw:")).map((path) => path.slice(3)),
  };
  const runner = await PluginRunner.start({ spec, services, listener: parts.onState }, signal);
  opening.defer(() => runner.stop(GRACE_MS));
  return runner;
}

interface Calls extends Pick<GenerationParts, "runnerOf"> {
  readonly marked: (work: () => Promise<Json>) => Promise<Json>;
}

function toolOf(description: PluginRunner["tools"][number], { runnerOf, marked }: Calls): Tool {
  const { name } = description;
  return {
    ...description,
    run: async (input, { idempotencyKey, principal, signal, tainted }) => {
      const runner = runnerOf(idempotencyKey.split("/", 1)[0] ?? "");
      if (runner === undefined) throw new AppError("not_found", `the plugin that brought "${name}" was taken away`);
      return marked(() => runner.call({ tool: name, input, idempotencyKey, principal, tainted }, signal));
    },
  };
}

/** Tutti's own workflows that schedules and subscriptions are made of. */
const SERVING = ["tutti.schedule", "tutti.supervisor", "tutti.dead-letter"];

/** What granting the permissions means for `decide()`: the plugin may do what it asked for, and its offered tools may be called. */
function policiesOf(name: string, permissions: PluginPermissions): readonly Policy[] {
  const self = `plugin:${name}`;
  const { tools, models, offers, starts, tells } = permissions;
  const begun = new Set([...starts, ...(tells.length > 0 ? ["tutti.webhook"] : [])]);
  if (begun.size > 0) for (const own of SERVING) begun.add(own);
  const isSelf = ({ id, roles }: Principal): boolean => id === self && roles.includes("plugin");
  const allow = (reason: string) => ({ effect: "allow", reason, rule: self }) as const;
  const opinions: readonly Policy[] = [
    ({ kind, resource, facts }) =>
      kind === "tool.call" && offers.includes(resource) && (facts?.tool === undefined || facts.tool.source === self)
        ? allow(`enabling the plugin ${name} allowed its tool`)
        : undefined,
    ({ kind, principal, resource }) =>
      isSelf(principal) && kind === "event.publish" && resource.startsWith(`${name}.`)
        ? allow("a plugin may publish events under its name")
        : undefined,
    ({ kind, principal, resource }) =>
      isSelf(principal) && kind === "run.start" && resource === toolWorkflow.name && tools.length > 0
        ? allow("the plugin was granted tools")
        : undefined,
    ({ kind, principal, resource }) =>
      isSelf(principal) && kind === "run.start" && begun.has(resource)
        ? allow("enabling the plugin allowed its schedules and subscriptions")
        : undefined,
    ({ kind, principal, resource }) =>
      isSelf(principal) && kind === "tool.call" && tools.includes(resource) ? allow("the plugin was granted this tool") : undefined,
    ({ kind, principal, resource }) =>
      isSelf(principal) && kind === "model.generate" && models.includes(resource) ? allow("the plugin was granted this model") : undefined,
  ];
  // The hash of the policies in force is made of their texts, and this one's meaning lies in what was granted.
  return opinions.map((policy, index) =>
    Object.assign(policy, { toString: () => canonicalJson({ plugin: name, index, tools, models, offers, starts, tells }) }),
  );
}

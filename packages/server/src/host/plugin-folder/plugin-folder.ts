import { rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { AppError, type Json, type Plugin, type Principal } from "@tutti/core";
import type { RunnerState } from "../../plugins/index.ts";
import { copiesOf, pruneCopies } from "./copies.ts";
import { FolderWatch } from "./folder-watch.ts";
import { installPlugin, subfolders } from "./folders.ts";
import { Grants } from "./grants.ts";
import { olderVersion, openGeneration, type Generation } from "./generation.ts";
import { DEATHS_MAX, Marks } from "./marks.ts";
import { readManifest } from "./manifest.ts";
import { beyond, inWords } from "./permissions.ts";
import { PluginStore } from "./plugin-store.ts";
import { endRetired, onReleased, retire, runnerOf, runsUnderWay } from "./retirement.ts";
import { pluginPrincipal, type ServiceParts } from "./services.ts";
import { keepCopy } from "./snapshot.ts";
import { newUnit, viewOf, type PluginView, type Unit } from "./unit.ts";

/** Of the content's hash, in the versions of agents and graphs. */
const BUILD_CHARACTERS = 8;

/** What the folder does with what it loads. */
interface PluginHome {
  /** Puts a plugin in the place of an earlier version of it: all of it, or nothing. */
  replace(plugin: Plugin, path: string, build: string): Promise<void>;
  remove(name: string): void;
  /** Schedules and subscriptions, made and brought up to date under the plugin's own principal; those that it no longer has end. */
  declare(
    plugin: Pick<Plugin, "name" | "schedules" | "subscriptions">,
    by: { readonly principal: Principal; readonly host: Principal },
  ): Promise<void>;
}

/** What a folder of plugins works with. */
export interface PluginFolderParts {
  readonly dir: string;
  /** Where copies of what is loaded are kept. */
  readonly copiesDir: string;
  readonly home: PluginHome;
  readonly services: ServiceParts;
  readonly options: Readonly<Record<string, { readonly settings: Json; readonly secrets: Readonly<Record<string, string>> }>>;
}

/** What happened to a plugin: its event is published as "plugin.loaded" and so on. */
type Happening = "loaded" | "reloaded" | "failed" | "asks" | "crashed" | "unloaded";

const HOST: Principal = { id: "tutti", tenant: "default", roles: ["owner"] };

/** Plugins in a folder: each subfolder that somebody has enabled is loaded, loaded again when it changes, and unloaded when it goes. */
export class PluginFolder implements AsyncDisposable {
  readonly #parts: PluginFolderParts;
  readonly #grants: Grants;
  readonly #marks: Marks;
  readonly #units = new Map<string, Unit>();
  readonly #stopping = new AbortController();
  readonly #watch: FolderWatch;
  readonly #ends: Disposable;
  /** One thing after the other: a scan, an enabling and a removal never meet. */
  #last: Promise<unknown> = Promise.resolve();
  #isWatched = false;

  constructor(parts: PluginFolderParts) {
    this.#parts = parts;
    this.#marks = new Marks(join(parts.copiesDir, ".marks"));
    this.#grants = new Grants(parts.services.store, parts.services.engine);
    const { engine, logger } = parts.services;
    this.#watch = new FolderWatch(parts.dir, {
      look: () => this.#next(() => this.#scan()),
      warn: (error, what) => logger.warn({ error }, what),
    });
    this.#ends = onReleased(
      engine,
      () => this.#units.values(),
      (unit) => void this.#next(() => endRetired(unit)),
    );
  }

  /** Loads what is enabled. Never throws for a plugin: what does not load says so in `list`. */
  open(): Promise<void> {
    return this.#next(() => this.#scan());
  }

  /** Looks out for changes from now on, and tells what happens in events. */
  async watch(): Promise<void> {
    this.#isWatched = true;
    await this.#next(() => this.#declareAll());
    await this.#watch.start();
  }

  async list(): Promise<readonly PluginView[]> {
    await this.#last;
    return [...this.#units.values()].map((unit) => this.#view(unit)).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  async show(name: string): Promise<PluginView & { readonly output: string }> {
    await this.#next(() => this.#scan());
    const unit = this.#require(name);
    return { ...this.#view(unit), output: unit.generation?.runner?.output ?? "" };
  }

  /** Whether the folder has a plugin of that name. */
  has(name: string): boolean {
    return this.#units.has(name);
  }

  /** Copies a folder to where plugins are; it is not loaded before somebody enables it. */
  add(from: string): Promise<PluginView> {
    return this.#next(async () => {
      const name = await installPlugin(from, this.#parts.dir);
      await this.#scan();
      return this.#view(this.#require(name));
    });
  }

  /** Grants what the manifest asks for now (`shown` is what somebody saw of it, if they did), and loads the plugin, if policy lets the principal (`plugin.enable`). */
  enable(
    name: string,
    { principal, shown }: { readonly principal: Principal; readonly shown?: readonly string[] | undefined },
  ): Promise<PluginView> {
    return this.#next(async () => {
      const known = this.#units.get(name);
      await (known === undefined ? this.#scan() : this.#look(known.folder));
      const unit = this.#require(name);
      const { manifest } = unit;
      if (manifest === undefined) throw new AppError("invalid_config", unit.problem ?? `the plugin ${name} has no manifest`);
      const asked = inWords(manifest.permissions);
      if (shown !== undefined && asked.some((one) => !shown.includes(one)))
        throw new AppError("conflict", `the plugin ${name} asks for something else now than was shown: ${asked.join("; ")}; look again`);
      await this.#grants.enable(name, manifest.permissions, principal);
      unit.failedHash = undefined;
      this.#marks.forgive(name);
      if (unit.generation?.runner?.state.status === "crash loop") await this.#unload(unit);
      await this.#load(unit);
      if (unit.problem !== undefined)
        throw new AppError("invalid_config", `the plugin ${name} is enabled, and does not load: ${unit.problem}`);
      return this.#view(unit);
    });
  }

  /** Unloads a plugin until somebody enables it again. */
  disable(name: string, principal: Principal): Promise<PluginView> {
    return this.#next(async () => {
      const unit = this.#require(name);
      await this.#grants.disable(name, principal);
      await this.#end(unit);
      return this.#view(unit);
    });
  }

  /** Unloads a plugin and deletes its folder, what was granted, and what it kept. */
  remove(name: string, principal: Principal): Promise<void> {
    return this.#next(async () => {
      const unit = this.#require(name);
      await this.#grants.remove(name, principal);
      await this.#end(unit);
      await rm(unit.folder, { recursive: true, force: true });
      await rm(join(this.#parts.copiesDir, name), { recursive: true, force: true });
      await new PluginStore(name, this.#parts.services.store).clear();
      this.#units.delete(name);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    this.#stopping.abort(new AppError("cancelled", "Tutti stops"));
    this.#ends[Symbol.dispose]();
    this.#watch[Symbol.dispose]();
    await this.#last;
    await Promise.all(
      [...this.#units.values()].map(async ({ generation, retired }) => {
        clearTimeout(retired?.timer);
        await Promise.all([generation?.[Symbol.asyncDispose](), retired?.generation[Symbol.asyncDispose]()]);
      }),
    );
    this.#marks.close();
  }

  #next<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return done;
  }

  #view(unit: Unit): PluginView {
    const grant = this.#grants.of(unit.name);
    const asks = unit.manifest === undefined ? [] : beyond(unit.manifest.permissions, grant?.permissions);
    return viewOf(unit, grant, asks);
  }

  #require(name: string): Unit {
    const unit = this.#units.get(name);
    if (unit !== undefined) return unit;
    const known = [...this.#units.keys()].join(", ") || "none";
    throw new AppError(
      "not_found",
      `wanted a plugin of ${this.#parts.dir}, got "${name}"; there are: ${known}. \`tutti plugins add PATH\` adds one`,
    );
  }

  async #scan(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    await this.#grants.read();
    const names = await subfolders(this.#parts.dir);
    for (const unit of this.#units.values()) {
      if (names.includes(basename(unit.folder))) continue;
      await this.#end(unit);
      this.#units.delete(unit.name);
    }
    for (const folder of names) await this.#look(join(this.#parts.dir, folder));
  }

  /** Looks at one folder; what is wrong with it is kept in its unit. */
  async #look(folder: string): Promise<void> {
    const known = [...this.#units.values()].find((unit) => unit.folder === folder);
    const manifest = await readManifest(folder).catch((thrown: unknown) => AppError.from(thrown));
    if (manifest instanceof AppError) {
      // A folder without a manifest is being copied, or is none of ours.
      if (known !== undefined || manifest.code !== "not_found")
        this.#failed(known ?? this.#unit(basename(folder), folder), manifest.message);
      return;
    }
    const namesake = this.#units.get(manifest.name);
    if (namesake !== undefined && namesake.folder !== folder) {
      this.#failed(this.#unit(basename(folder), folder), `wanted a name of its own, got ${manifest.name}, which ${namesake.folder} has`);
      return;
    }
    if (known !== undefined && known.name !== manifest.name) {
      await this.#end(known);
      this.#units.delete(known.name);
    }
    const unit = namesake ?? this.#unit(manifest.name, folder);
    unit.manifest = manifest;
    if (this.#grants.of(unit.name)?.enabled === true) await this.#load(unit);
    else unit.problem = undefined;
  }

  #unit(name: string, folder: string): Unit {
    const known = this.#units.get(name);
    if (known !== undefined) return known;
    const unit = newUnit(name, folder);
    this.#units.set(name, unit);
    return unit;
  }

  /** Loads what the folder holds now, in the place of what is loaded; what is loaded stays when that does not work. */
  async #load(unit: Unit): Promise<void> {
    const { name, folder, manifest } = unit;
    const granted = this.#grants.of(name)?.permissions;
    if (manifest === undefined) return;
    const asks = beyond(manifest.permissions, granted);
    if (asks.length > 0 && asks.join() !== unit.asks.join()) this.#tell("asks", unit, { reason: `it asks for more: ${asks.join("; ")}` });
    unit.asks = asks;
    if (asks.length > 0) {
      unit.problem = undefined;
      return;
    }
    if (this.#marks.isHeld(name)) return this.#failed(unit, heldBack(name));
    try {
      const copy = await keepCopy(folder, join(this.#parts.copiesDir, name), unit.copy);
      unit.copy = copy;
      if (copy === undefined) this.#watch.lookAgain();
      else if (copy.hash === unit.generation?.hash) unit.problem = undefined;
      else if (copy.hash !== unit.failedHash) await this.#swap(unit, copy);
    } catch (thrown) {
      this.#failed(unit, AppError.from(thrown).message);
    }
  }

  async #swap(unit: Unit, copy: { readonly path: string; readonly hash: string }): Promise<void> {
    const { name } = unit;
    const { services, options } = this.#parts;
    let next: Generation | undefined;
    try {
      if (unit.generation === undefined) await this.#bringBackOlder(unit, copy.hash);
      const parts = {
        services,
        settings: options[name]?.settings ?? {},
        secrets: options[name]?.secrets ?? {},
        marks: this.#marks,
        onState: (state: RunnerState) => this.#processChanged(unit, copy.hash, state),
        runnerOf: (runId: string) => runnerOf(unit, runId),
      };
      next = await this.#marks.during(name, () => openGeneration(copy, parts, this.#stopping.signal));
      const under = unit.generation === undefined ? [] : await runsUnderWay(services.store);
      const before = unit.generation;
      await this.#place(next, before);
      unit.generation = next;
      unit.problem = undefined;
      unit.failedHash = undefined;
      if (before !== undefined) await retire(unit, { before, runIds: under, end: () => void this.#next(() => endRetired(unit)) });
      this.#tell(before === undefined ? "loaded" : "reloaded", unit, { reason: `version ${next.manifest.version} (${copy.hash})` });
    } catch (thrown) {
      if (unit.generation !== next) await next?.[Symbol.asyncDispose]();
      unit.failedHash = copy.hash;
      this.#failed(unit, AppError.from(thrown).message);
    }
    await pruneCopies(join(this.#parts.copiesDir, name), [unit.generation?.hash, unit.retired?.generation.hash]);
  }

  /** Puts a version in its place, with its schedules and subscriptions; the one before keeps it when that does not work. */
  async #place(next: Generation, before: Generation | undefined): Promise<void> {
    const { home } = this.#parts;
    const put = async ({ plugin, path, hash }: Generation): Promise<void> => {
      await home.replace(plugin, path, hash.slice(0, BUILD_CHARACTERS));
      await this.#declare(plugin);
    };
    try {
      await put(next);
    } catch (thrown) {
      if (before !== undefined) await put(before);
      else {
        home.remove(next.plugin.name);
        await this.#declareNothing(next.plugin.name);
      }
      throw thrown;
    }
  }

  /** Brings schedules and subscriptions to what is enabled, also after changes while Tutti was down. One that does not load keeps its own. */
  async #declareAll(): Promise<void> {
    for (const name of this.#grants.names) {
      const unit = this.#units.get(name);
      if (unit === undefined || this.#grants.of(name)?.enabled !== true) await this.#declareNothing(name);
      else if (unit.generation !== undefined)
        await this.#declare(unit.generation.plugin).catch((thrown: unknown) => this.#failed(unit, AppError.from(thrown).message));
    }
  }

  async #declare(plugin: Pick<Plugin, "name" | "schedules" | "subscriptions">): Promise<void> {
    if (this.#isWatched) await this.#parts.home.declare(plugin, { principal: pluginPrincipal(plugin.name), host: HOST });
  }

  async #declareNothing(name: string): Promise<void> {
    const { logger } = this.#parts.services;
    await this.#declare({ name }).catch((error: unknown) => logger.error({ plugin: name, error }, "what a plugin declared did not end"));
  }

  /** Runs that began with an earlier version find its agents and graphs again after a restart. */
  async #bringBackOlder(unit: Unit, current: string): Promise<void> {
    for (const hash of (await copiesOf(join(this.#parts.copiesDir, unit.name))).toReversed()) {
      if (hash === current) continue;
      const path = join(this.#parts.copiesDir, unit.name, hash);
      await olderVersion({ path, hash })
        .then((plugin) => this.#parts.home.replace(plugin, path, hash.slice(0, BUILD_CHARACTERS)))
        // A version that no longer fits this Tutti: its runs pause and say so.
        .catch((error: unknown) =>
          this.#parts.services.logger.warn({ plugin: unit.name, error }, "an earlier version of a plugin does not load"),
        );
    }
  }

  /** Unloads a plugin that is not to come back by itself: nothing starts in its name any more. */
  async #end(unit: Unit): Promise<void> {
    await this.#declareNothing(unit.name);
    await this.#unload(unit);
  }

  async #unload(unit: Unit): Promise<void> {
    const { generation } = unit;
    unit.generation = undefined;
    unit.asks = [];
    if (generation === undefined) return;
    this.#parts.home.remove(unit.name);
    this.#tell("unloaded", unit, { reason: `version ${generation.manifest.version}` });
    await Promise.all([endRetired(unit), generation[Symbol.asyncDispose]()]);
  }

  #failed(unit: Unit, problem: string): void {
    const isNews = unit.problem !== problem;
    unit.problem = problem;
    const goesOn = unit.generation === undefined ? "" : `; version ${unit.generation.manifest.version} goes on`;
    if (isNews) this.#tell("failed", unit, { reason: `${problem}${goesOn}` });
  }

  #processChanged(unit: Unit, hash: string, state: RunnerState): void {
    if (state.status === "running" || state.status === "stopped" || this.#stopping.signal.aborted) return;
    const follows = state.status === "crash loop" ? "it stays down until it is mended or enabled again" : "it is started again";
    this.#tell("crashed", unit, { reason: `${state.end.message}; ${follows}`, how: state.end.how, hash });
  }

  /** Into the log, and where a server runs also as an event. */
  #tell(what: Happening, { name }: Unit, { reason, ...more }: Readonly<Record<string, Json>> & { readonly reason: string }): void {
    const { logger, events } = this.#parts.services;
    const isBad = what === "failed" || what === "crashed" || what === "asks";
    logger[isBad ? "warn" : "info"]({ plugin: name, reason }, `a plugin ${what}`);
    if (!this.#isWatched || this.#stopping.signal.aborted) return;
    const event = { specversion: "1.0", id: crypto.randomUUID(), source: "/plugins", type: `plugin.${what}`, subject: name } as const;
    const data = { plugin: name, reason, ...more };
    events
      .publish({ ...event, time: new Date().toISOString(), data }, HOST)
      .catch((error: unknown) => logger.error({ error }, "an event of a plugin was not published"));
  }
}

function heldBack(name: string): string {
  return `it is not loaded, because Tutti ended ${DEATHS_MAX} times in a row while it was loaded or called; \`tutti plugins enable ${name}\` tries again`;
}

import { AppError, type Engine, type Json, type Principal, type Store } from "@tutti/core";
import type { PluginPermissions } from "@tutti/core/plugin";
import type { Grant } from "./unit.ts";

const SETTING = "plugins.grants";
/** What grants of earlier versions of Tutti do not speak of. */
const NONE = { starts: [], hears: [], tells: [] } as const;

/** What was granted to which plugin, by whom and when: kept in the store, and each change a decision in the log. */
export class Grants {
  readonly #store: Store;
  readonly #engine: Engine;
  #grants: Readonly<Record<string, Grant>> = {};

  constructor(store: Store, engine: Engine) {
    this.#store = store;
    this.#engine = engine;
  }

  /** As `read` found it last. */
  of(name: string): Grant | undefined {
    return Object.hasOwn(this.#grants, name) ? this.#grants[name] : undefined;
  }

  /** Of all who were ever enabled, and are not removed. */
  get names(): readonly string[] {
    return Object.keys(this.#grants);
  }

  async read(): Promise<void> {
    const kept = ((await this.#store.getSetting(SETTING)) ?? {}) as unknown as Readonly<Record<string, Grant>>;
    const entries = Object.entries(kept).map(([name, grant]) => [name, { ...grant, permissions: { ...NONE, ...grant.permissions } }]);
    this.#grants = Object.fromEntries(entries) as Readonly<Record<string, Grant>>;
  }

  /** Throws `denied` when policy does not let the principal. */
  enable(name: string, permissions: PluginPermissions, principal: Principal): Promise<void> {
    const grant: Grant = { enabled: true, permissions, by: principal.id, at: new Date().toISOString() };
    return this.#change({ name, act: "enable", grant, input: { permissions: { ...permissions } } }, principal);
  }

  disable(name: string, principal: Principal): Promise<void> {
    const known = this.of(name);
    return this.#change({ name, act: "disable", grant: known && { ...known, enabled: false }, input: {} }, principal);
  }

  remove(name: string, principal: Principal): Promise<void> {
    return this.#change({ name, act: "remove", grant: undefined, input: {} }, principal);
  }

  async #change(
    { name, act, grant, input }: { readonly name: string; readonly act: string; readonly grant: Grant | undefined; readonly input: Json },
    principal: Principal,
  ): Promise<void> {
    const step = { workflow: "tutti.admin", action: "plugin.enable", kind: "step", name, input: { act, ...(input as object) } } as const;
    const recorded = this.#engine.record(step, principal);
    try {
      await this.read();
      const { [name]: _before, ...others } = this.#grants;
      const next = grant === undefined ? others : { ...others, [name]: grant };
      await this.#store.setSetting(SETTING, next as unknown as Json);
      this.#grants = next;
      await recorded.complete({ plugin: name, act });
    } catch (thrown) {
      const error = AppError.from(thrown);
      await recorded.fail(error.code, error.message);
      throw error;
    }
  }
}

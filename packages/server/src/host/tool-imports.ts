import { AppError, parse, type Engine, type Json, type Principal, type Store, type Tool } from "@tutti/core";
import { z } from "zod";
import type { Logger } from "../telemetry/index.ts";
import { importSchema, type ApiImport, type ApiTools } from "../tools/index.ts";
import type { Registry } from "./registry.ts";

const SETTING = "tools.imports";
const IMPORTS_MAX = 50;

/** What is asked for: a description itself or where it is, and whether to look only. */
export const importRequestSchema = importSchema
  .omit({ document: true })
  .extend({
    document: z.string().min(1).optional().describe("The description, as JSON or YAML."),
    url: z
      .url({ protocol: /^https?$/ })
      .optional()
      .describe("Where the description is."),
    isDryRun: z.boolean().default(false).describe("Whether to tell only what would come of it."),
  })
  .refine(({ document, url }) => (document === undefined) !== (url === undefined), "give either document or url");

/** An import as it is asked for. */
type ImportRequest = z.output<typeof importRequestSchema>;

/** What came of an import. */
export interface ImportView {
  readonly name: string;
  readonly title: string;
  readonly server: string;
  readonly tools: readonly Pick<Tool, "name" | "description" | "effect">[];
  readonly skipped: ApiTools["skipped"];
  readonly warnings: ApiTools["warnings"];
}

/** What imports are made with. `apis` makes tools of a description, `fetchText` gets one. */
export interface ToolImportsParts {
  readonly registry: Registry;
  readonly store: Store;
  readonly engine: Engine;
  readonly logger: Logger;
  readonly apis: (spec: ApiImport) => ApiTools;
  readonly fetchText: (url: string, signal: AbortSignal) => Promise<string>;
}

/** Descriptions of APIs whose operations are tools; they are kept, and there again after the next start. */
export class ToolImports {
  readonly #parts: ToolImportsParts;
  readonly #views = new Map<string, ImportView>();
  #changing: Promise<unknown> = Promise.resolve();

  constructor(parts: ToolImportsParts) {
    this.#parts = parts;
  }

  get all(): readonly ImportView[] {
    return [...this.#views.values()];
  }

  /** Brings back what was imported before; one that no longer fits is logged and left out. */
  async load(): Promise<void> {
    for (const spec of await this.#kept()) {
      try {
        this.#register(spec, this.#parts.apis(spec));
      } catch (error) {
        this.#parts.logger.error({ import: spec.name, reason: AppError.from(error).message }, "tools of an API were not brought back");
      }
    }
  }

  /** Makes tools of a description, now and at every start. The same name again replaces what was there. */
  async import(request: ImportRequest, principal: Principal, signal: AbortSignal): Promise<ImportView> {
    const { url, isDryRun, document, ...rest } = request;
    const { name } = request;
    const input = { import: name, ...(url !== undefined && { url }), isDryRun };
    return await this.#recorded({ name: "tools.import", input }, principal, async () => {
      const origin = request.origin ?? url;
      const text = document ?? (await this.#parts.fetchText(url ?? "", signal));
      const spec: ApiImport = { ...rest, document: text, ...(origin !== undefined && { origin }) };
      const made = this.#parts.apis(spec);
      if (isDryRun) return viewOf(spec, made, made.tools);
      return await this.#alone(async () => {
        const others = (await this.#kept()).filter((other) => other.name !== name);
        if (others.length >= IMPORTS_MAX)
          throw new AppError("too_large", `wanted at most ${IMPORTS_MAX} imports, got one more; remove one`);
        const view = this.#register(spec, made);
        await this.#parts.store.setSetting(SETTING, [...others, spec] as unknown as Json);
        return view;
      });
    });
  }

  /** Takes an import's tools away, for good. */
  async remove(name: string, principal: Principal): Promise<void> {
    await this.#recorded({ name: "tools.remove", input: { import: name } }, principal, () =>
      this.#alone(async () => {
        const kept = await this.#kept();
        if (!kept.some((spec) => spec.name === name))
          throw new AppError("not_found", `wanted an import, got "${name}", which is none; \`tutti tools import --list\` lists them`);
        await this.#parts.store.setSetting(SETTING, kept.filter((spec) => spec.name !== name) as unknown as Json);
        this.#parts.registry.removeTools(sourceOf(name));
        this.#views.delete(name);
      }),
    );
  }

  #register(spec: ApiImport, made: ApiTools): ImportView {
    const { registry } = this.#parts;
    const before = registry.tools.filter(({ source }) => source === sourceOf(spec.name));
    registry.removeTools(sourceOf(spec.name));
    try {
      const view = viewOf(spec, made, registry.addTools(sourceOf(spec.name), made.tools));
      this.#views.set(spec.name, view);
      return view;
    } catch (error) {
      registry.putBack(before);
      throw error;
    }
  }

  async #kept(): Promise<readonly ApiImport[]> {
    const kept = (await this.#parts.store.getSetting(SETTING)) ?? [];
    return await parse(z.array(importSchema), kept, "the imports that were kept");
  }

  /** One change after the other, or two at once would lose one. */
  async #alone<T>(change: () => Promise<T>): Promise<T> {
    const mine = this.#changing.then(change, change);
    this.#changing = mine.catch(() => undefined);
    return await mine;
  }

  async #recorded<T>(step: { readonly name: string; readonly input: Json }, principal: Principal, work: () => Promise<T>): Promise<T> {
    const recorded = this.#parts.engine.record({ workflow: "tutti.admin", action: "admin", kind: "step", ...step }, principal);
    try {
      const done = await work();
      await recorded.complete(step.input);
      return done;
    } catch (thrown) {
      const error = AppError.from(thrown);
      await recorded.fail(error.code, error.message);
      throw error;
    }
  }
}

const sourceOf = (name: string): string => `openapi:${name}`;

function viewOf({ name }: ApiImport, { title, server, skipped, warnings }: ApiTools, tools: readonly Tool[]): ImportView {
  return {
    name,
    title,
    server,
    skipped,
    warnings,
    tools: tools.map((tool) => ({ name: tool.name, description: tool.description, effect: tool.effect })),
  };
}

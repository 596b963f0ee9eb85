import { createHash } from "node:crypto";
import { AppError, canonicalJson, collect, parse, type Engine, type Json, type Model, type Principal, type Store } from "@tutti/core";
import type { PluginPermissions } from "@tutti/core/plugin";
import { z } from "zod";
import { taintAttribute, type Events } from "../../engine/index.ts";
import type { Asking, PluginServices } from "../../plugins/index.ts";
import type { Logger } from "../../telemetry/index.ts";
import { toolWorkflow } from "../tool-workflow.ts";
import { PluginFetch } from "./plugin-fetch.ts";
import { PluginStore } from "./plugin-store.ts";

const TEXT_CHARACTERS_MAX = 2_000;
/** Lines of one plugin in Tutti's log within a minute; more are counted, and not written. */
const LINES_PER_MINUTE_MAX = 120;
const MINUTE_MS = 60_000;

/** What services are made of; the same for all plugins. */
export interface ServiceParts {
  readonly engine: Engine;
  readonly store: Store;
  readonly events: Pick<Events, "publish">;
  readonly findModel: (id: string) => Model | undefined;
  readonly logger: Logger;
}

/** Whom the services are for, and what it was granted. */
export interface Grantee {
  readonly name: string;
  readonly permissions: PluginPermissions;
  readonly secrets: Readonly<Record<string, string>>;
}

/** The plugin as somebody who wants something: policy decides under this name. */
export function pluginPrincipal(name: string): Principal {
  return { id: `plugin:${name}`, tenant: "default", roles: ["plugin"] };
}

const requests = {
  emit: z.object({ type: z.string().regex(/^[a-z0-9][\w.-]{0,99}$/, "wanted a type of letters, digits, dots and dashes"), data: z.json() }),
  secret: z.object({ name: z.string() }),
  fetch: z.object({
    url: z.url(),
    method: z
      .string()
      .regex(/^[A-Z]{1,16}$/)
      .default("GET"),
    headers: z.record(z.string().regex(/^[\w-]{1,100}$/), z.string().regex(/^[^\r\n\0]{0,8192}$/)).default({}),
    body: z.string().optional(),
  }),
  call: z.object({ tool: z.string(), input: z.json() }),
  generate: z.object({
    model: z.string(),
    request: z.looseObject({
      messages: z
        .array(z.looseObject({ role: z.string() }))
        .min(1)
        .max(1000),
    }),
  }),
  storageKey: z.object({ key: z.string().min(1).max(200) }),
  storageValue: z.object({ key: z.string().min(1).max(200), value: z.json() }),
} as const;

/** What Tutti does for one plugin: each request is parsed, held against what was granted, and done here. */
export function servicesFor({ name, permissions, secrets }: Grantee, parts: ServiceParts): PluginServices & AsyncDisposable {
  const principal = pluginPrincipal(name);
  const web = new PluginFetch(name, permissions.network);
  const storage = new PluginStore(name, parts.store);
  const require = (list: "secrets" | "tools" | "models", item: string): void => {
    if (!permissions[list].includes(item))
      throw new AppError("denied", `the plugin ${name} may not use ${item}: its manifest does not name it in permissions.${list}`);
  };
  const handlers: Readonly<Record<string, (params: Json, asking: Asking) => Promise<Json | void>>> = {
    async emit(params, { tainted }) {
      const { type, data } = await parse(requests.emit, params, "the event");
      const event = { specversion: "1.0", id: crypto.randomUUID(), source: `/plugins/${name}`, type: `${name}.${type}`, data } as const;
      await parts.events.publish(
        { ...event, ...(tainted.length > 0 && taintAttribute(tainted)), time: new Date().toISOString() },
        principal,
      );
    },
    async secret(params) {
      const { name: secret } = await parse(requests.secret, params, "the request");
      require("secrets", secret);
      const value = secrets[secret];
      if (value !== undefined) return value;
      throw new AppError("not_found", `the plugin ${name} wants the secret ${secret}; give it in pluginOptions of tutti.yaml`);
    },
    fetch: async (params, { signal }) => ({ ...(await web.send(await parse(requests.fetch, params, "the request"), signal)) }),
    async call(params, { signal, tainted }) {
      const { tool, input } = await parse(requests.call, params, "the call");
      require("tools", tool);
      const { runId } = await parts.engine.start(toolWorkflow.name, { tool, input, approval: "refuse" }, { principal, tainted });
      return parts.engine.result(runId, signal);
    },
    async generate(params, { signal }) {
      const { model, request } = await parse(requests.generate, params, "the request");
      require("models", model);
      return generate(parts, { model, request: request as Json, principal }, signal);
    },
    "storage.get": async (params) => storage.get((await parse(requests.storageKey, params, "the request")).key),
    "storage.set": async (params) => storage.set(await parse(requests.storageValue, params, "the request")),
    "storage.delete": async (params) => storage.delete((await parse(requests.storageKey, params, "the request")).key),
    "storage.keys": () => storage.keys(),
  };
  const log = lineLog(name, parts.logger);
  return {
    async ask(method, params, asking) {
      const handler = Object.hasOwn(handlers, method) ? handlers[method] : undefined;
      if (handler === undefined) throw new AppError("unsupported", `wanted one of ${Object.keys(handlers).join(", ")}, got ${method}`);
      return handler(params, asking);
    },
    tell: log,
    [Symbol.asyncDispose]: () => web[Symbol.asyncDispose](),
  };
}

/** Asks a model as one recorded step: decided, journaled with a digest of what was asked, and never resumed. */
async function generate(
  { engine, findModel }: ServiceParts,
  ask: { readonly model: string; readonly request: Json; readonly principal: Principal },
  signal: AbortSignal,
): Promise<Json> {
  const input = { digest: hashPrompt(ask.request) };
  const step = { workflow: "tutti.plugin", action: "model.generate", kind: "model", name: ask.model, input } as const;
  const recorded = engine.record(step, ask.principal);
  try {
    const model = findModel(ask.model);
    if (model === undefined) throw new AppError("model_not_found", `wanted a model called "${ask.model}", got none by that name`);
    // The schema above checked the messages; what else a request holds is the model's to refuse.
    const reply = await collect(model.generate(ask.request as never, signal));
    await recorded.complete({ usage: { ...reply.usage } });
    return reply as unknown as Json;
  } catch (thrown) {
    const error = AppError.from(thrown);
    await recorded.fail(error.code, error.message);
    throw error;
  }
}

function hashPrompt(request: Json): string {
  return createHash("sha256").update(canonicalJson(request)).digest("hex");
}

/** Writes what a plugin says to the log, up to a bound. */
function lineLog(name: string, logger: Logger): PluginServices["tell"] {
  let lines = 0;
  let minuteAtMs = 0;
  const write = { debug: "debug", info: "info", warn: "warn", error: "error" } as const;
  return (method, params) => {
    const nowMs = performance.now();
    if (nowMs - minuteAtMs > MINUTE_MS) {
      if (lines > LINES_PER_MINUTE_MAX)
        logger.warn({ plugin: name, lines: lines - LINES_PER_MINUTE_MAX }, "a plugin said more than is written");
      [lines, minuteAtMs] = [0, nowMs];
    }
    lines += 1;
    if (lines > LINES_PER_MINUTE_MAX) return;
    const { level, message, fields } = (params ?? {}) as { readonly level?: Json; readonly message?: Json; readonly fields?: Json };
    const text = String(typeof message === "string" ? message : JSON.stringify(message ?? null)).slice(0, TEXT_CHARACTERS_MAX);
    if (method === "late") logger.warn({ plugin: name, reason: text }, "a plugin rejected a promise that nobody awaits");
    else if (method === "thrown") logger.error({ plugin: name, reason: text }, "a plugin threw where nobody catches");
    else if (method === "log") logger[write[level as keyof typeof write] ?? "info"]({ plugin: name, ...fieldsOf(fields) }, text);
  };
}

function fieldsOf(fields: Json | undefined): { readonly fields?: Json } {
  return fields === undefined || JSON.stringify(fields).length > TEXT_CHARACTERS_MAX ? {} : { fields };
}

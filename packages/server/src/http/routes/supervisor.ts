import { statfs } from "node:fs/promises";
import { Hono } from "hono";
import { z } from "zod";
import {
  diskFinding,
  HealthWatch,
  supervisorSchema,
  worstOf,
  type Finding,
  type ScheduleView,
  type SupervisedView,
} from "../../engine/index.ts";
import type { App } from "../../host/index.ts";
import { readJson } from "../body.ts";
import type { HttpEnv } from "../env.ts";
import { operation } from "../openapi.ts";
import { wholeNumber, yesOrNo } from "./run-queries.ts";
import { ComponentsHealth, DeadLetterShape, OneDeadLetter, OneSupervised, Supervised } from "../shapes/schedules.ts";

const Anything = z.json();
const Stop = z.object({ reason: z.string().min(1).max(2000).default("stopped by its owner") });
const Retry = z.object({ from: z.enum(["step", "start"]).exactOptional(), input: z.json().exactOptional() });
const Dismiss = z.object({ reason: z.string().min(1).max(2000).default("dismissed by its owner") });
/** Paused runs and dead letters are counted up to here. */
const COUNTED_MAX = 100;

/** Supervised work, dead letters, and how each part of Tutti is. */
export function supervisorRoutes(app: App): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();
  addSupervised(routes, app);
  addDeadLetters(routes, app);
  const watch = new HealthWatch(Date.now() - process.uptime() * 1000);
  routes.get(
    "/v1/health/components",
    operation({ tag: "Health", summary: "How each part is, since when, why, and what to do about it", response: ComponentsHealth }),
    async (ctx) => {
      const components = watch.look(await findings(app), Date.now());
      return ctx.json({ status: worstOf(components), components });
    },
  );
  return routes;
}

function addSupervised(routes: Hono<HttpEnv>, app: App): void {
  const { supervision } = app;
  routes.get(
    "/v1/supervisor",
    operation({
      tag: "Supervisor",
      summary: "All supervised workflows and agents",
      response: z.object({ supervised: z.array(Supervised) }),
    }),
    async (ctx) => ctx.json({ supervised: await supervision.list() }),
  );
  routes.post(
    "/v1/supervisor",
    operation({
      tag: "Supervisor",
      summary: "Run a workflow or an agent under supervision",
      response: OneSupervised,
      body: supervisorSchema.omit({ carried: true }),
      status: 201,
    }),
    async (ctx) => ctx.json({ supervised: await supervision.start(await readJson(ctx, Anything, app.config), ctx.get("principal")) }, 201),
  );
  routes.get(
    "/v1/supervisor/:name",
    operation({ tag: "Supervisor", summary: "One supervised workflow", response: OneSupervised }),
    async (ctx) => ctx.json({ supervised: await supervision.show(ctx.req.param("name")) }),
  );
  routes.post(
    "/v1/supervisor/:name/resume",
    operation({
      tag: "Supervisor",
      summary: "Start it again now: after a crash loop, or instead of waiting",
      response: OneSupervised,
      status: 202,
    }),
    async (ctx) => ctx.json({ supervised: await supervision.resume(ctx.req.param("name"), ctx.get("principal")) }, 202),
  );
  routes.post(
    "/v1/supervisor/:name/stop",
    operation({ tag: "Supervisor", summary: "Cancel the work and end its supervision", response: OneSupervised, body: Stop, status: 202 }),
    async (ctx) => {
      const { reason } = await readJson(ctx, Stop, app.config);
      return ctx.json({ supervised: await supervision.stop(ctx.req.param("name"), reason, ctx.get("principal")) }, 202);
    },
  );
}

function addDeadLetters(routes: Hono<HttpEnv>, app: App): void {
  const { deadLetters } = app;
  routes.get(
    "/v1/dead-letters",
    operation({
      tag: "Supervisor",
      summary: "Work that failed for good, newest first",
      response: z.object({ deadLetters: z.array(DeadLetterShape) }),
      query: {
        ended: "true: those that were retried or dismissed",
        limit: "1 to 500, 50 unless given",
        before: "only letters older than this id",
      },
    }),
    async (ctx) => {
      const limit = wholeNumber(ctx, "limit", { min: 1, max: 500, fallback: 50 });
      const beforeId = ctx.req.query("before");
      const isEnded = yesOrNo(ctx, "ended");
      return ctx.json({ deadLetters: await deadLetters.list({ limit, isEnded, ...(beforeId !== undefined && { beforeId }) }) });
    },
  );
  routes.get(
    "/v1/dead-letters/:id",
    operation({ tag: "Supervisor", summary: "One dead letter: what failed, why, how often", response: OneDeadLetter }),
    async (ctx) => ctx.json({ deadLetter: await deadLetters.show(ctx.req.param("id")) }),
  );
  routes.post(
    "/v1/dead-letters/:id/retry",
    operation({
      tag: "Supervisor",
      summary: "Try again: from the step that failed, or from the start",
      response: OneDeadLetter,
      body: Retry,
      status: 202,
    }),
    async (ctx) => {
      const retry = await readJson(ctx, Retry, app.config);
      return ctx.json({ deadLetter: await deadLetters.retry(ctx.req.param("id"), retry, ctx.get("principal")) }, 202);
    },
  );
  routes.post(
    "/v1/dead-letters/:id/dismiss",
    operation({ tag: "Supervisor", summary: "Leave it", response: OneDeadLetter, body: Dismiss, status: 202 }),
    async (ctx) => {
      const { reason } = await readJson(ctx, Dismiss, app.config);
      return ctx.json({ deadLetter: await deadLetters.dismiss(ctx.req.param("id"), reason, ctx.get("principal")) }, 202);
    },
  );
}

async function findings(app: App): Promise<readonly Finding[]> {
  const parts = await Promise.all([
    engine(app),
    models(app),
    app.schedules.list().then((schedules) => schedules.map(schedule)),
    app.supervision.list().then((supervised) => supervised.map(work)),
    deadLetters(app),
    disk(app),
    folderPlugins(app),
  ]);
  return [store(app), ...parts.flat(), toolPolicy(app), ...budgets(app), ...plugins(app), ...mcpServers(app)];
}

/** One part for each server whose tools are used: where one is down, the others are as they were. */
function mcpServers(app: App): readonly Finding[] {
  return app.mcpServers.list.map(({ name, state, reason, tools }) => {
    const part = `mcp server ${name}`;
    if (state === "down")
      return { name: part, status: "degraded", reason: reason ?? "it failed", todo: `mend it, then \`tutti mcp test ${name}\`` };
    if (tools.waiting > 0)
      return {
        name: part,
        status: "degraded",
        reason: `${tools.waiting} of its tools are new or changed`,
        todo: `see \`tutti mcp show ${name}\`, then approve them`,
      };
    return { name: part, status: "ok", reason: `it is ${state}; ${tools.approved} tools are approved`, todo: null };
  });
}

function store(app: App): Finding {
  const health = app.store.health();
  if (health.ok) return { name: "store", status: "ok", reason: "it can write", todo: null };
  return {
    name: "store",
    status: "down",
    reason: `${health.code}: ${health.message}`,
    todo: "see the message; runs wait and go on once it can write",
  };
}

async function engine(app: App): Promise<Finding> {
  const paused = await app.store.runs({ statuses: ["paused"], limit: COUNTED_MAX });
  if (paused.length === 0) return { name: "engine", status: "ok", reason: "it takes runs", todo: null };
  return {
    name: "engine",
    status: "degraded",
    reason: `${counted(paused.length)} runs are paused, because their workflow changed or is gone`,
    todo: "look at them with `tutti runs list --status paused`; install the old version beside the new one, or cancel them",
  };
}

async function models(app: App): Promise<readonly Finding[]> {
  const { providers, modelBaseUrl } = app.config;
  const names = [...providers.map(({ name }) => name), ...(modelBaseUrl === undefined ? [] : ["default"])];
  if (names.length === 0)
    return [{ name: "models", status: "off", reason: "none is configured", todo: "set TUTTI_MODEL_BASE_URL and TUTTI_MODEL" }];
  const served = await app.models.list();
  const complaints = new Map(app.models.inventory.providers().map(({ name, complaint }) => [name, complaint]));
  return names.map((name) => {
    const count = served.filter(({ provider }) => provider === name).length;
    return count > 0 && complaints.get(name) === undefined
      ? { name: `models of ${name}`, status: "ok", reason: `${count} are known`, todo: null }
      : {
          name: `models of ${name}`,
          status: "degraded",
          reason: complaints.get(name) ?? "it gave no list of models",
          todo: "is it running, and are its URL and key right? `tutti doctor` tells more",
        };
  });
}

function toolPolicy({ policy: { state } }: App): Finding {
  const name = "tool policy";
  if (state.status === "none") return { name, status: "off", reason: "there is none", todo: "write tool_policy.yaml; see docs/policy.md" };
  if (state.status === "in-force") return { name, status: "ok", reason: `${state.policy.rules.length} rules are in force`, todo: null };
  const isOpen = state.kept !== undefined;
  return {
    name,
    status: isOpen ? "degraded" : "down",
    reason: `its file is not right; ${isOpen ? "the one before it stays in force" : "nothing is allowed until it is"}`,
    todo: "mend what `tutti policy check` says",
  };
}

/** Where limits are counted, when that is not here. */
function budgets({ budgets: { counters }, config }: App): readonly Finding[] {
  if (counters.in === "memory") return [];
  if (counters.isReachable) return [{ name: "budgets", status: "ok", reason: "they are counted in Redis", todo: null }];
  const meanwhile = config.onRedisLoss === "local" ? "each node counts for itself" : "requests with limits are refused";
  return [
    { name: "budgets", status: "degraded", reason: `Redis cannot be reached; ${meanwhile}`, todo: "is it running, and is redisUrl right?" },
  ];
}

/** Plugins of the folder, each in its process. */
async function folderPlugins({ folder }: App): Promise<readonly Finding[]> {
  return (await folder.list()).map(({ name, status, problem, asks }): Finding => {
    const part = `plugin ${name}`;
    const todo = `see \`tutti plugins doctor ${name}\``;
    switch (status) {
      case "loaded":
        return { name: part, status: "ok", reason: "it is loaded, in a process of its own", todo: null };
      case "off":
        return {
          name: part,
          status: "off",
          reason: "nobody has enabled it",
          todo: `\`tutti plugins enable ${name}\` shows what it asks for`,
        };
      case "asks":
        return { name: part, status: "degraded", reason: `it asks for more: ${asks.join("; ")}`, todo };
      case "failed":
        return { name: part, status: "degraded", reason: problem ?? "it did not load", todo };
      case "crash loop":
        return { name: part, status: "down", reason: problem ?? "it crashed too often", todo };
    }
  });
}

function plugins({ registry, pluginFailures, folder }: App): readonly Finding[] {
  const trusted = registry.plugins.filter(({ name }) => !folder.has(name));
  return [
    ...trusted.map(({ name }): Finding => ({ name: `plugin ${name}`, status: "ok", reason: "it is loaded", todo: null })),
    ...pluginFailures.map(({ plugin, message }): Finding => ({
      name: `plugin ${plugin}`,
      status: "degraded",
      reason: message,
      todo: "mend it or take it out of `plugins`, and start Tutti again",
    })),
  ];
}

function schedule({ name, status, paused, last, nextAt }: ScheduleView): Finding {
  const part = `schedule ${name}`;
  if (status === "broken")
    return {
      name: part,
      status: "down",
      reason: "its run is paused",
      todo: `see \`tutti schedules show ${name}\`, or delete and make it again`,
    };
  if (paused !== null) return { name: part, status: "off", since: paused.since, reason: `paused: ${paused.reason}`, todo: null };
  if (last?.status === "failed")
    return {
      name: part,
      status: "degraded",
      reason: `the tick of ${last.at} failed: ${last.error?.message ?? "no reason is known"}`,
      todo: "look at `tutti dead-letters list`, and retry or dismiss",
    };
  return { name: part, status: "ok", reason: nextAt === null ? "no tick comes any more" : `due at ${nextAt}`, todo: null };
}

function work({ name, status, since, error, stuck, restarts }: SupervisedView): Finding {
  const part = `supervised ${name}`;
  const why = error === null ? "" : `; the last failure was ${error.code}: ${error.message}`;
  const [silent] = stuck;
  if (silent !== undefined)
    return {
      name: part,
      status: "degraded",
      since: silent.since,
      reason: `the step "${silent.step}" is stuck: ${silent.message}`,
      todo: "it is tried again by itself; see `tutti runs show` if it goes on",
    };
  switch (status) {
    case "running":
      return { name: part, status: "ok", since, reason: `it runs, after ${restarts} restarts${why}`, todo: null };
    case "stopping":
      return { name: part, status: "off", since, reason: "it is being stopped", todo: null };
    case "waiting to restart":
      return { name: part, status: "degraded", since, reason: `it waits to be restarted${why}`, todo: null };
    case "crash loop":
      return {
        name: part,
        status: "down",
        since,
        reason: `it crashed too often${why}`,
        todo: `mend the cause, then \`tutti supervisor resume ${name}\``,
      };
    case "broken":
      return {
        name: part,
        status: "down",
        since,
        reason: "the run of its supervisor is paused",
        todo: "see `tutti runs list --status paused`",
      };
  }
}

async function deadLetters(app: App): Promise<Finding> {
  const waiting = await app.deadLetters.list({ limit: COUNTED_MAX });
  if (waiting.length === 0) return { name: "dead letters", status: "ok", reason: "none waits", todo: null };
  return {
    name: "dead letters",
    status: "degraded",
    reason: `${counted(waiting.length)} wait`,
    todo: "look at `tutti dead-letters list`, and retry or dismiss",
  };
}

async function disk(app: App): Promise<Finding> {
  const { bavail, blocks, bsize } = await statfs(app.config.dataDir);
  return diskFinding({ freeBytes: bavail * bsize, sizeBytes: blocks * bsize });
}

function counted(count: number): string {
  return count === COUNTED_MAX ? `at least ${count}` : String(count);
}

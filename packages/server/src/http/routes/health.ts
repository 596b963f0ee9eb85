import type { IncomingMessage } from "node:http";
import { Hono } from "hono";
import { z } from "zod";
import { VERSION, type App } from "../../host/index.ts";
import { readBytes } from "../body.ts";
import type { HttpEnv } from "../env.ts";
import { refuseForeignPages } from "../guard.ts";
import { operation } from "../openapi.ts";
import { json } from "../shapes/values.ts";

const Live = z.object({
  status: z.literal("ok"),
  pid: z.number().optional().describe("With the token only."),
  sandbox: z
    .object({
      status: z.enum(["off", "untested", "testing", "ready", "unavailable"]),
      backend: z.string().optional(),
      level: z.string().optional(),
    })
    .loose()
    .describe("With the token, the whole report too."),
});
const Echo = z.object({ method: z.literal("GET"), query: z.record(z.string(), z.string()), requestId: z.string() });
const StatusShape = z.object({
  name: z.string(),
  version: z.string(),
  uptimeSeconds: z.number(),
  on: z.array(z.string()),
  off: z.array(z.object({ name: z.string(), how: z.string() })),
});
const Ready = z.object({ status: z.enum(["ready", "unavailable"]), reason: z.string().optional() });

/** Probes, metrics, the status page and the echo. */
export function healthRoutes(app: App): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();
  for (const path of ["/health", "/healthz"]) {
    routes.get(path, operation({ tag: "Health", summary: "The process lives", response: Live, isOpen: true }), (ctx) =>
      ctx.json(
        isOwner(app, ctx.env.incoming)
          ? { status: "ok", pid: process.pid, sandbox: app.sandbox.state() }
          : { status: "ok", sandbox: sandboxForStrangers(app) },
      ),
    );
  }
  for (const path of ["/ready", "/readyz"]) {
    routes.get(path, operation({ tag: "Health", summary: "Runs can be started", response: Ready, isOpen: true }), (ctx) => {
      const health = app.store.health();
      return health.ok ? ctx.json({ status: "ready" }) : ctx.json({ status: "unavailable", reason: health.code }, 503);
    });
  }
  routes.get(
    "/",
    operation({ tag: "Health", summary: "What this server is, what is on and what is off", response: StatusShape, isOpen: true }),
    // A person's browser goes on to the console; programs that take anything get what they always got.
    (ctx) => (ctx.req.header("accept")?.includes("text/html") === true ? ctx.redirect("admin/", 302) : ctx.json(status(app))),
  );
  routes.get("/favicon.ico", operation({ tag: "Health", summary: "No icon", status: 204, isOpen: true }), (ctx) => ctx.body(null, 204));
  routes.get(
    "/metrics",
    operation({ tag: "Health", summary: "Metrics in Prometheus' text format", mediaType: "text/plain" }),
    async (ctx) => ctx.text(await app.metrics.prometheusText(), 200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" }),
  );
  routes.get("/echo", operation({ tag: "Health", summary: "What the server saw of the request", response: Echo }), (ctx) =>
    ctx.json({ method: "GET", query: ctx.req.query(), requestId: ctx.get("requestId") }),
  );
  routes.post(
    "/echo",
    operation({ tag: "Health", summary: "The body, sent back", body: json, response: json, mediaType: "application/octet-stream" }),
    async (ctx) => {
      const bytes = await readBytes(ctx.env.incoming, app.config.requestBytesMax);
      return ctx.body(new Uint8Array(bytes), 200, {
        "content-type": ctx.req.header("content-type") ?? "application/octet-stream",
        "x-content-type-options": "nosniff",
      });
    },
  );
  return routes;
}

/** Whether the owner asks, and from no foreign page. Anyone else gets an answer too, with less in it. */
function isOwner(app: App, { headers, method = "" }: IncomingMessage): boolean {
  try {
    refuseForeignPages(app, headers);
    return app.authenticate(headers, method).roles.includes("owner");
  } catch {
    return false;
  }
}

/** How a sandbox is kept tight, and what it lacks, helps whoever wants to break out of it. */
function sandboxForStrangers({ sandbox }: App): z.output<typeof Live>["sandbox"] {
  const state = sandbox.state();
  return state.status === "ready"
    ? { status: state.status, backend: state.report.backend, level: state.report.level }
    : { status: state.status };
}

/** What the status page and `tutti up` tell. */
export interface Status {
  readonly name: string;
  readonly version: string;
  readonly uptimeSeconds: number;
  readonly on: readonly string[];
  readonly off: readonly { readonly name: string; readonly how: string }[];
}

/** What is on, and what is off and how to turn it on. Nothing here is secret, and no path is shown to strangers. */
export function status(app: App): Status {
  const { config, registry, models } = app;
  const features: readonly { readonly name: string; readonly isOn: boolean; readonly how: string }[] = [
    {
      name: `agents: ${registry.agents.map(({ name }) => name).join(", ")}`,
      isOn: registry.agents.length > 0,
      how: "name a plugin that brings agents in TUTTI_PLUGINS",
    },
    {
      name: "models",
      isOn: models.defaultModel !== undefined || config.providers.length > 0,
      how: "set TUTTI_MODEL_BASE_URL and TUTTI_MODEL, for example http://127.0.0.1:11434/v1 and a model of your Ollama",
    },
    { name: "safe tools: echo, safe_calc, summarize_text", isOn: true, how: "" },
    { name: "other tools", isOn: config.toolsAllow.length > 0, how: "name them in TUTTI_TOOLS_ALLOW" },
    toolPolicy(app),
    { name: "token", isOn: config.auth === "token", how: "set TUTTI_AUTH=token" },
    { name: "memory", isOn: false, how: "not in this version" },
    {
      name: "code execution",
      isOn: app.sandbox.isOn,
      how: "set TUTTI_SANDBOX=auto; `tutti sandbox doctor` tells what this machine can hold",
    },
    ...app.pluginFailures.map(({ plugin, message }) => ({ name: `plugin ${plugin}`, isOn: false, how: message })),
  ];
  return {
    name: "tutti",
    version: VERSION,
    uptimeSeconds: Math.round(process.uptime()),
    on: features.filter(({ isOn }) => isOn).map(({ name }) => name),
    off: features.filter(({ isOn }) => !isOn).map(({ name, how }) => ({ name, how })),
  };
}

/** How the tool policy stands. Its rules and its path are nobody's business here. */
function toolPolicy({ policy: { state } }: App): { readonly name: string; readonly isOn: boolean; readonly how: string } {
  const name = "tool policy";
  switch (state.status) {
    case "none":
      return {
        name,
        isOn: false,
        how: "write tool_policy.yaml in the data folder, or name one in TUTTI_TOOL_POLICY_PATH; see docs/policy.md",
      };
    case "in-force":
      return { name: `${name}: ${state.policy.rules.length} rules`, isOn: true, how: "" };
    case "broken": {
      const kept = state.kept === undefined ? "nothing is allowed until it is right" : "the one before it stays in force";
      return { name, isOn: false, how: `it is not right, and ${kept}; \`tutti policy check\` says what to mend` };
    }
  }
}

import type { AgentSpec, RunRecord } from "@tutti/core";
import type { App } from "../../host/index.ts";

const UNFINISHED = ["queued", "running", "waiting", "paused"] as const;
/** Unfinished runs of one agent that are counted. */
const COUNTED_MAX = 1_000;

/** An agent as people see it: what it is, what it can do, how it is, what it is at, and what it did last. */
export async function agentView(app: App, agent: AgentSpec) {
  const { name, version, description, model, tools, limits } = agent;
  const capabilities = capabilitiesOf(app, agent);
  const [unfinished, [lastRun = null], supervised] = await Promise.all([
    app.store.runs({ workflow: name, statuses: UNFINISHED, limit: COUNTED_MAX }),
    app.store.runs({ workflow: name, limit: 1 }),
    app.supervision.list(),
  ]);
  const crashing = supervised.find((work) => work.workflow === name && work.status === "crash loop");
  const health =
    crashing === undefined
      ? healthOf(capabilities)
      : ({ status: "down", reason: `"${crashing.name}" fails again and again: \`tutti supervisor show ${crashing.name}\`` } as const);
  return { name, version, description, model, tools: [...tools], limits, capabilities, health, load: loadOf(unfinished), lastRun };
}

type Capabilities = ReturnType<typeof capabilitiesOf>;

function capabilitiesOf({ registry, models }: App, { model, tools, skills = [], routes, starters = [] }: AgentSpec) {
  const isKnown = registry.model(model) !== undefined || models.router.knows(model);
  return {
    tools: tools.map((tool) => {
      const found = registry.tool(tool);
      return { name: tool, isThere: found !== undefined, effect: found?.effect ?? null };
    }),
    skills: [...skills],
    routes: routes.length,
    starters: [...starters],
    model: model === "default" ? (models.defaultModel ?? null) : isKnown ? model : null,
  };
}

function healthOf({ tools, routes, model }: Capabilities): { readonly status: "ok" | "degraded" | "down"; readonly reason: string } {
  const missing = tools.filter(({ isThere }) => !isThere).map(({ name }) => name);
  if (model === null && routes === 0) return { status: "down", reason: "its model is not configured, and it has no rules to answer by" };
  if (model === null) return { status: "degraded", reason: "its model is not configured: it answers by its rules only" };
  if (missing.length > 0) return { status: "degraded", reason: `tools that it names are not there: ${missing.join(", ")}` };
  return { status: "ok", reason: "its model is configured and its tools are there" };
}

function loadOf(unfinished: readonly RunRecord[]) {
  const of = (status: (typeof UNFINISHED)[number]): number => unfinished.filter((run) => run.status === status).length;
  return { queued: of("queued"), running: of("running"), waiting: of("waiting"), paused: of("paused") };
}

import {
  ProtocolError,
  ProtocolErrorCode,
  type CompleteRequestParams,
  type GetPromptResult,
  type Prompt,
} from "@modelcontextprotocol/server";
import type { AgentSpec, Json, Principal } from "@tutti/core";
import type { App } from "../../host/index.ts";
import { completeResource, listResources, readResource, TEMPLATES } from "./app-resources.ts";
import { callRun } from "./call-run.ts";
import type { McpOffer, OfferChange } from "./offer.ts";
import { targetsOf } from "./targets.ts";

const INSTRUCTIONS =
  "Tutti runs tools, agents (agent_…) and workflows (workflow_…). Every call is a run: policy decides it, a person may be asked, and tutti://runs/{id}/receipt proves what it did.";
const MESSAGE_CHARACTERS_MAX = 100_000;
/** Events of runs come in bursts; whoever watches one hears of each burst once. */
const BURST_MS = 100;

/** What an app offers over the protocol: what the principal may call and read, and nothing else. */
export function appOffer(app: App): McpOffer {
  return {
    instructions: INSTRUCTIONS,
    tools: async (principal) => [...targetsOf(app, principal).values()].map(({ tool }) => tool),
    async callTool(name, args, call) {
      const target = targetsOf(app, call.principal).get(name);
      if (target === undefined)
        throw new ProtocolError(
          ProtocolErrorCode.InvalidParams,
          `Unknown tool: ${name.slice(0, 128)}; tools/list names those you may call`,
        );
      return callRun(app, { target, args: args as Readonly<Record<string, Json>> }, call);
    },
    prompts: async (principal) => agentsOf(app, principal).map(promptOf),
    getPrompt: async (name, args, { principal }) => agentPrompt(app, principal, { name, message: args["message"] }),
    resources: (principal) => listResources(app, principal),
    templates: async () => TEMPLATES,
    read: (uri, principal) => readResource(app, uri, principal),
    complete: (params, principal) => complete(app, params, principal),
    watch: (listener) => watch(app, listener),
  };
}

function agentsOf({ registry }: App, principal: Principal): readonly AgentSpec[] {
  return registry.agents.filter(({ name }) => registry.decide({ kind: "run.start", principal, resource: name }).effect !== "deny");
}

function promptOf({ name, description, starters = [] }: AgentSpec): Prompt {
  const like = starters.length === 0 ? "" : ` Such as: ${starters.join(" · ")}`;
  return {
    name: `ask_${name}`,
    title: `Ask ${name}`,
    description,
    arguments: [{ name: "message", description: `What to ask.${like}`, required: starters.length === 0 }],
  };
}

function agentPrompt(
  app: App,
  principal: Principal,
  asked: { readonly name: string; readonly message: string | undefined },
): GetPromptResult {
  const agent = agentsOf(app, principal).find(({ name }) => `ask_${name}` === asked.name);
  if (agent === undefined)
    throw new ProtocolError(
      ProtocolErrorCode.InvalidParams,
      `Unknown prompt: ${asked.name.slice(0, 128)}; prompts/list names those there are`,
    );
  const message = asked.message ?? agent.starters?.[0];
  if (message === undefined || message.length > MESSAGE_CHARACTERS_MAX)
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, `wanted the argument "message" of 1 to ${MESSAGE_CHARACTERS_MAX} characters`);
  const text = `Ask the agent ${agent.name} with the tool agent_${agent.name}, and give me its answer: ${message}`;
  return { description: agent.description, messages: [{ role: "user", content: { type: "text", text } }] };
}

async function complete(app: App, { ref, argument }: CompleteRequestParams, principal: Principal): Promise<readonly string[]> {
  if (ref.type === "ref/resource") return completeResource(app, { name: argument.name, typed: argument.value }, principal);
  const agent = agentsOf(app, principal).find(({ name }) => `ask_${name}` === ref.name);
  return (agent?.starters ?? []).filter((starter) => starter.toLowerCase().startsWith(argument.value.toLowerCase()));
}

/** Tells of tools that came or went, and of runs that went on. */
function watch(app: App, listener: (change: OfferChange) => void): Disposable {
  const changed = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  const flush = (): void => {
    timer = undefined;
    for (const id of changed)
      for (const part of ["", "/receipt", "/result"]) listener({ kind: "resource", uri: `tutti://runs/${id}${part}` });
    changed.clear();
  };
  const runs = app.engine.subscribe(({ runId }) => {
    changed.add(runId);
    timer ??= setTimeout(flush, BURST_MS);
    timer.unref();
  });
  const tools = app.registry.subscribeTools(() => listener({ kind: "tools" }));
  return {
    [Symbol.dispose]() {
      clearTimeout(timer);
      runs[Symbol.dispose]();
      tools[Symbol.dispose]();
    },
  };
}

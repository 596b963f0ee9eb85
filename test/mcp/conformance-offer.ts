import { randomUUID } from "node:crypto";
import {
  acceptedContent,
  CLIENT_CAPABILITIES_META_KEY,
  inputRequired,
  ProtocolError,
  ProtocolErrorCode,
  ResourceNotFoundError,
  type CallToolResult,
  type ElicitRequestFormParams,
  type GetPromptResult,
  type InputRequests,
  type InputRequiredResult,
  type Tool,
} from "@modelcontextprotocol/server";
import type { McpCall, McpOffer, OfferChange } from "../../packages/server/src/http/mcp/offer.ts";

/** A picture of one red pixel, and a sound of one sample. */
const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";
const WAV = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA=";

type Outcome = CallToolResult | InputRequiredResult;
type Run = (call: McpCall) => Outcome | Promise<Outcome>;
type Form = ElicitRequestFormParams["requestedSchema"];

const text = (said: string): CallToolResult => ({ content: [{ type: "text", text: said }] });
const responses = (call: McpCall): Readonly<Record<string, unknown>> => call.context.mcpReq.inputResponses ?? {};

const nameForm: Form = { type: "object", properties: { name: { type: "string" } }, required: ["name"] };
const okForm: Form = { type: "object", properties: { ok: { type: "boolean" } }, required: ["ok"] };
const askName = (message = "What is your name?") => inputRequired.elicit({ message, requestedSchema: nameForm });
const askOk = () => inputRequired.elicit({ message: "Is that all right?", requestedSchema: okForm });
const askModel = (question: string) =>
  inputRequired.createMessage({ messages: [{ role: "user", content: { type: "text", text: question } }], maxTokens: 64 });

/** A form for the scenarios of 2025-11-25, which look at what the client gave back. */
const elicited =
  (requestedSchema: Form): Run =>
  (call) => {
    const given = responses(call)["form"];
    if (given === undefined)
      return inputRequired({ inputRequests: { form: inputRequired.elicit({ message: "Fill this in", requestedSchema }) } });
    const { action, content } = given as { readonly action: string; readonly content?: unknown };
    return text(`Elicitation completed: action=${action}, content=${JSON.stringify(content ?? {})}`);
  };

const defaultsForm: Form = {
  type: "object",
  properties: {
    name: { type: "string", default: "John Doe" },
    age: { type: "integer", default: 30 },
    score: { type: "number", default: 95.5 },
    status: { type: "string", enum: ["active", "inactive", "pending"], default: "active" },
    verified: { type: "boolean", default: true },
  },
};

const titled = (prefix: string, key: string) => [1, 2, 3].map((n) => ({ const: `${key}${n}`, title: `${prefix} ${n}` }));
const enumsForm: Form = {
  type: "object",
  properties: {
    untitledSingle: { type: "string", enum: ["option1", "option2", "option3"] },
    titledSingle: { type: "string", oneOf: titled("Option", "value") },
    legacyEnum: { type: "string", enum: ["opt1", "opt2", "opt3"], enumNames: ["Option 1", "Option 2", "Option 3"] },
    untitledMulti: { type: "array", items: { type: "string", enum: ["option1", "option2", "option3"] } },
    titledMulti: { type: "array", items: { anyOf: titled("Choice", "value") } },
  },
};

async function withLogs({ context }: McpCall): Promise<Outcome> {
  for (const data of ["Tool execution started", "Tool processing data", "Tool execution completed"]) await context.mcpReq.log("info", data);
  return text("It was logged.");
}

async function withProgress({ context }: McpCall): Promise<Outcome> {
  const progressToken = context.mcpReq._meta?.progressToken;
  for (const progress of [0, 50, 100])
    if (progressToken !== undefined)
      await context.mcpReq.notify({ method: "notifications/progress", params: { progressToken, progress, total: 100 } });
  return text("It made progress.");
}

async function multiRound(call: McpCall): Promise<Outcome> {
  const round = Number(call.context.mcpReq.requestState<{ readonly round?: string }>()?.round ?? 0);
  if (round === 2) return text("Both rounds are done.");
  const requestState = await call.seal({ round: String(round + 1), nonce: randomUUID() });
  const ask = round === 0 ? { step1: askName() } : { step2: askName("And your favourite colour?") };
  return inputRequired({ inputRequests: ask, requestState });
}

async function sealed(call: McpCall): Promise<Outcome> {
  const isBack = acceptedContent(call.context.mcpReq.inputResponses, "confirm") !== undefined;
  if (isBack && call.context.mcpReq.requestState() !== undefined) return text("state-ok: what came back is what was given");
  return inputRequired({ inputRequests: { confirm: askOk() }, requestState: await call.seal({ nonce: randomUUID() }) });
}

async function severalInputs(call: McpCall): Promise<Outcome> {
  const given = responses(call);
  if (["user_name", "greeting", "client_roots"].every((key) => given[key] !== undefined)) return text("All three came back.");
  const inputRequests = { user_name: askName(), greeting: askModel("Greet somebody"), client_roots: inputRequired.listRoots() };
  return inputRequired({ inputRequests, requestState: await call.seal({ nonce: randomUUID() }) });
}

function asCapable(call: McpCall): Outcome {
  if (call.context.mcpReq.inputResponses !== undefined) return text("It was asked only what it can answer.");
  const envelope = call.context.mcpReq.envelope as Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>> | undefined;
  const declared = envelope?.[CLIENT_CAPABILITIES_META_KEY];
  const inputRequests: InputRequests = {
    ...(declared?.elicitation !== undefined && { user_name: askName() }),
    ...(declared?.sampling !== undefined && { greeting: askModel("Greet somebody") }),
    ...(declared?.roots !== undefined && { client_roots: inputRequired.listRoots() }),
  };
  return Object.keys(inputRequests).length === 0 ? text("It can answer nothing.") : inputRequired({ inputRequests });
}

/** Asks once for one thing, and tells what came back. */
const asking =
  (key: string, request: () => InputRequests[string]): Run =>
  (call) => {
    const given = responses(call)[key];
    return given === undefined ? inputRequired({ inputRequests: { [key]: request() } }) : text(`It came back: ${JSON.stringify(given)}`);
  };

const greeted: Run = (call) => {
  const name = acceptedContent<{ readonly name: string }>(call.context.mcpReq.inputResponses, "user_name")?.name;
  return typeof name === "string" ? text(`Hello, ${name}!`) : inputRequired({ inputRequests: { user_name: askName() } });
};

const schema2020: Tool["inputSchema"] = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  type: "object",
  $defs: {
    address: { $anchor: "addressDef", type: "object", properties: { street: { type: "string" }, city: { type: "string" } } },
  },
  properties: {
    name: { type: "string" },
    address: { $ref: "#/$defs/address" },
    contactMethod: { type: "string", enum: ["phone", "email"] },
    phone: { type: "string" },
    email: { type: "string" },
  },
  allOf: [{ anyOf: [{ required: ["phone"] }, { required: ["email"] }] }],
  if: { properties: { contactMethod: { const: "phone" } }, required: ["contactMethod"] },
  // eslint-disable-next-line unicorn/no-thenable -- A keyword of JSON Schema.
  then: { required: ["phone"] },
  else: { required: ["email"] },
  additionalProperties: false,
};

const resourceBlock = (uri: string) => ({
  type: "resource" as const,
  resource: { uri, mimeType: "text/plain", text: "An embedded resource." },
});

/** The tools that the official scenarios call by name, each as the scenario wants it. */
function fixtureTools(tell: (change: OfferChange) => void): Readonly<Record<string, Run>> {
  return {
    test_simple_text: () => text("This is a simple text response for testing."),
    test_image_content: () => ({ content: [{ type: "image", data: PNG, mimeType: "image/png" }] }),
    test_audio_content: () => ({ content: [{ type: "audio", data: WAV, mimeType: "audio/wav" }] }),
    test_embedded_resource: () => ({ content: [resourceBlock("test://embedded-resource")] }),
    test_multiple_content_types: () => ({
      content: [
        { type: "text", text: "Several kinds:" },
        { type: "image", data: PNG, mimeType: "image/png" },
        resourceBlock("test://mixed"),
      ],
    }),
    test_tool_with_logging: withLogs,
    test_logging_tool: withLogs,
    test_tool_with_progress: withProgress,
    test_error_handling: () => ({ isError: true, ...text("This tool intentionally returns an error for testing") }),
    test_streaming_elicitation: () => text("Only results are in this stream."),
    test_reconnection: (call) => {
      call.context.http?.closeSSE?.();
      return text("The stream was closed and found again.");
    },
    test_sampling: asking("answer", () => askModel("Say something")),
    test_elicitation: elicited({
      type: "object",
      properties: { username: { type: "string" }, email: { type: "string" } },
      required: ["username", "email"],
    }),
    test_elicitation_sep1034_defaults: elicited(defaultsForm),
    test_elicitation_sep1330_enums: elicited(enumsForm),
    json_schema_2020_12_tool: () => text("It was called."),
    test_x_mcp_header: () => text("It was called."),
    test_missing_capability: asking("llm_answer", () => askModel("Say pong")),
    test_input_required_result_elicitation: greeted,
    test_input_required_result_sampling: asking("capital_question", () => askModel("What is the capital of France?")),
    test_input_required_result_list_roots: asking("client_roots", () => inputRequired.listRoots()),
    test_input_required_result_request_state: sealed,
    test_input_required_result_multiple_inputs: severalInputs,
    test_input_required_result_multi_round: multiRound,
    test_input_required_result_tampered_state: sealed,
    test_input_required_result_capabilities: asCapable,
    test_trigger_tool_change: () => {
      tell({ kind: "tools" });
      return text("Told.");
    },
    test_trigger_prompt_change: () => {
      tell({ kind: "prompts" });
      return text("Told.");
    },
  };
}

const SCHEMAS: Readonly<Record<string, Tool["inputSchema"]>> = {
  json_schema_2020_12_tool: schema2020,
  test_x_mcp_header: {
    type: "object",
    properties: { region: { type: "string", "x-mcp-header": "Region" }, level: { type: "integer" } },
  },
};

const PROMPTS = [
  { name: "test_simple_prompt", description: "A prompt without arguments" },
  {
    name: "test_prompt_with_arguments",
    description: "A prompt with arguments",
    arguments: ["arg1", "arg2"].map((name) => ({ name, description: `The argument ${name}`, required: true })),
  },
  {
    name: "test_prompt_with_embedded_resource",
    description: "A prompt with a resource",
    arguments: [{ name: "resourceUri", description: "Its address", required: true }],
  },
  { name: "test_prompt_with_image", description: "A prompt with a picture" },
  { name: "test_input_required_result_prompt", description: "A prompt that asks first" },
];

function prompt(name: string, args: Readonly<Record<string, string>>, call: McpCall): GetPromptResult | InputRequiredResult | undefined {
  const say = (said: string): GetPromptResult => ({ messages: [{ role: "user", content: { type: "text", text: said } }] });
  switch (name) {
    case "test_simple_prompt":
      return say("This is a simple prompt for testing.");
    case "test_prompt_with_arguments":
      return say(`Prompt with arguments: arg1='${args["arg1"]}', arg2='${args["arg2"]}'`);
    case "test_prompt_with_embedded_resource":
      return { messages: [{ role: "user", content: resourceBlock(args["resourceUri"] ?? "") }, ...say("Look at it.").messages] };
    case "test_prompt_with_image":
      return { messages: [{ role: "user", content: { type: "image", data: PNG, mimeType: "image/png" } }, ...say("Look at it.").messages] };
    case "test_input_required_result_prompt": {
      const form: Form = { type: "object", properties: { context: { type: "string" } }, required: ["context"] };
      const given = acceptedContent<{ readonly context: string }>(call.context.mcpReq.inputResponses, "user_context");
      if (given !== undefined) return say(`Use this: ${given.context}`);
      return inputRequired({ inputRequests: { user_context: inputRequired.elicit({ message: "What about?", requestedSchema: form }) } });
    }
  }
  return undefined;
}

const RESOURCES = ["static-text", "static-binary", "watched-resource"].map((name) => ({
  uri: `test://${name}`,
  name,
  mimeType: name === "static-binary" ? "image/png" : "text/plain",
}));
const TEMPLATE = /^test:\/\/template\/([^/]+)\/data$/;

/** An offer with what the official conformance scenarios look for, beside all of another one. */
export function withConformanceFixtures(offer: McpOffer): McpOffer {
  const listeners = new Set<(change: OfferChange) => void>();
  const tools = fixtureTools((change) => listeners.forEach((listener) => listener(change)));
  return {
    ...offer,
    tools: async (principal) => [
      ...Object.keys(tools).map((name) => ({
        name,
        description: `The scenario's ${name}`,
        inputSchema: SCHEMAS[name] ?? { type: "object" as const },
      })),
      ...(await offer.tools(principal)),
    ],
    callTool: async (name, args, call) => (await tools[name]?.(call)) ?? offer.callTool(name, args, call),
    prompts: async (principal) => [...PROMPTS, ...(await offer.prompts(principal))],
    getPrompt: async (name, args, call) => prompt(name, args, call) ?? offer.getPrompt(name, args, call),
    resources: async (principal) => [...RESOURCES, ...(await offer.resources(principal))],
    templates: async (principal) => [
      { name: "template", uriTemplate: "test://template/{id}/data", mimeType: "application/json" },
      ...(await offer.templates(principal)),
    ],
    read: async (uri, principal) => {
      const id = TEMPLATE.exec(uri)?.[1];
      if (id !== undefined)
        return {
          contents: [{ uri, mimeType: "application/json", text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` }) }],
        };
      const found = RESOURCES.find((resource) => resource.uri === uri);
      if (found === undefined && uri.startsWith("test://")) throw new ResourceNotFoundError(uri);
      if (found === undefined) return offer.read(uri, principal);
      return { contents: [found.name === "static-binary" ? { ...found, blob: PNG } : { ...found, text: `The content of ${found.name}.` }] };
    },
    complete: async (params, principal) => {
      if (params.ref.type === "ref/prompt" && PROMPTS.every(({ name }) => name !== (params.ref as { readonly name?: string }).name))
        return offer.complete(params, principal);
      if (params.argument.name === "") throw new ProtocolError(ProtocolErrorCode.InvalidParams, "wanted the name of an argument, got none");
      return ["paris", "park", "party"].filter((value) => value.startsWith(params.argument.value));
    },
    watch: (listener) => {
      listeners.add(listener);
      const inner = offer.watch(listener);
      return {
        [Symbol.dispose]() {
          listeners.delete(listener);
          inner[Symbol.dispose]();
        },
      };
    },
  };
}

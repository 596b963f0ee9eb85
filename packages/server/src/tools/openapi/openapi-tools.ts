import { AppError, type Json, type Tool } from "@tutti/core";
import { z } from "zod";
import type { WebClient, WebResponse } from "../../net/index.ts";
import type { ToolCall } from "../define-tool.ts";
import { jsonSchema } from "../../schemas/index.ts";
import { scrubbed, scrubbedError, signedWith, type SecretSource } from "../secrets.ts";
import { isJsonType, isTextType, jsonOf, mediaTypeOf, requireSuccess, textOf } from "../web/answer.ts";
import { credentialsFor } from "./auth.ts";
import { listIn, objectIn, readDocument, textIn, type ApiDocument, type JsonObject } from "./document.ts";
import { operationsOf, type ApiOperation, type SkippedOperation } from "./operations.ts";
import { itemsOf, nextOf, type NextPage, type Pagination } from "./pages.ts";
import { requestOf, type ApiRequest } from "./request.ts";

const TIMEOUT_MS = 60_000;
const BYTES_MAX = 4 * 1_048_576;
const REDIRECTS_MAX = 3;
const PAGES_MAX = 50;
const ITEMS_MAX = 10_000;
const TOOLS_MAX = 500;

const pointer = z.string().regex(/^(?:\/[^/]*)*$/, "wanted a JSON Pointer, such as /data/items");
const pagination = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("link"), items: pointer.optional() }),
  z.strictObject({ type: z.literal("cursor"), parameter: z.string().min(1), next: pointer, items: pointer.optional() }),
  z.strictObject({ type: z.literal("page"), parameter: z.string().min(1), items: pointer.optional() }),
  z.strictObject({ type: z.literal("offset"), parameter: z.string().min(1), items: pointer.optional() }),
]);

/** What is made of a description: which operations, of which server, signed in how. It holds names of secrets, never their values. */
export const importSchema = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9_-]{0,29}$/, "wanted a short name in lower case, such as github"),
  document: z.string().min(1),
  /** Where the description came from: relative server URLs count from there. */
  origin: z.url({ protocol: /^https?$/ }).optional(),
  server: z.url({ protocol: /^https?$/ }).optional(),
  /** Operations by id, tag or path ("/pets/*"); all of them when none is picked. */
  pick: z
    .strictObject({ ids: z.array(z.string()).default([]), tags: z.array(z.string()).default([]), paths: z.array(z.string()).default([]) })
    .prefault({}),
  /** By the name of the description's security scheme. */
  auth: z.record(z.string(), z.strictObject({ secret: z.string().min(1), user: z.string().optional() })).default({}),
  /** By operation id, or "*" for all that read lists. */
  pagination: z.record(z.string(), pagination).default({}),
  isOutputChecked: z.boolean().default(true),
});

/** An import, checked. */
export type ApiImport = z.output<typeof importSchema>;

/** What an import gives. */
export interface ApiTools {
  readonly title: string;
  readonly server: string;
  readonly tools: readonly Tool[];
  readonly skipped: readonly SkippedOperation[];
  /** What is there but cannot be called as it is. */
  readonly warnings: readonly string[];
}

/** Tools for the operations of an API description. Throws `invalid_input` where nothing can be made of it. */
export function openApiTools(spec: ApiImport, parts: { readonly client: WebClient; readonly secrets: SecretSource }): ApiTools {
  const document = readDocument(spec.document);
  const server = serverOf(document, spec);
  const { operations, skipped } = operationsOf(document);
  const picked = operations.filter((operation) => isPicked(operation, spec.pick));
  requirePicks(operations, spec.pick);
  if (picked.length > TOOLS_MAX)
    throw new AppError("too_large", `wanted at most ${TOOLS_MAX} operations, got ${picked.length}; pick some by id, tag or path`);
  const tools: Tool[] = [];
  const left = [...skipped];
  for (const operation of picked) {
    try {
      tools.push(toolOf(operation, { ...parts, spec, document, server }));
    } catch (error) {
      left.push({ operation: `${operation.method} ${operation.path}`, reason: AppError.from(error).message });
    }
  }
  return { title: document.title, server: server.href, tools, skipped: left, warnings: unsigned(picked, { ...parts, spec, document }) };
}

function serverOf({ root }: ApiDocument, { server, origin, name }: ApiImport): URL {
  const [first] = listIn(root, "servers");
  const variables = objectIn(first, "variables");
  const written = (textIn(first, "url") ?? "/").replaceAll(
    /\{([^{}]+)\}/g,
    (_, key: string) => textIn(objectIn(variables, key), "default") ?? "",
  );
  const url = URL.parse(server ?? written, server === undefined ? origin : undefined);
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:"))
    throw new AppError("invalid_input", `wanted the server's URL for ${name}, got ${JSON.stringify(written)}; give \`server\``);
  url.search = "";
  url.hash = "";
  return url;
}

function isPicked({ id, tags, path }: ApiOperation, { ids, tags: byTag, paths }: ApiImport["pick"]): boolean {
  if (ids.length + byTag.length + paths.length === 0) return true;
  const isBelow = (pattern: string): boolean => (pattern.endsWith("*") ? path.startsWith(pattern.slice(0, -1)) : path === pattern);
  return ids.includes(id) || tags.some((tag) => byTag.includes(tag)) || paths.some(isBelow);
}

/** Why operations could not be signed in: secrets that are none, and requirements that no secret is given for. */
function unsigned(
  operations: readonly ApiOperation[],
  { spec, document, secrets }: Pick<Parts, "spec" | "document" | "secrets">,
): readonly string[] {
  const { auth, name } = spec;
  const unknown = Object.entries(auth).filter(([, { secret }]) => !secrets.names.includes(secret));
  const closed = operations.flatMap((operation): readonly string[] => {
    try {
      credentialsFor(operation, { document, auth, name });
      return [];
    } catch (error) {
      return [AppError.from(error).message];
    }
  });
  const more = closed.length > 1 ? ` (and ${closed.length - 1} more like it)` : "";
  return [
    ...unknown.map(([scheme, { secret }]) => `wanted a secret of \`toolSecrets\` for ${scheme}, got "${secret}", which is none`),
    ...closed.slice(0, 1).map((message) => `${message}${more}`),
  ];
}

function requirePicks(operations: readonly ApiOperation[], { ids }: ApiImport["pick"]): void {
  const unknown = ids.find((id) => !operations.some((operation) => operation.id === id));
  if (unknown !== undefined)
    throw new AppError("not_found", `wanted an operation of the description, got "${unknown}"; leave pick out of a dry run to list them`);
}

interface Parts {
  readonly client: WebClient;
  readonly secrets: SecretSource;
  readonly spec: ApiImport;
  readonly document: ApiDocument;
  readonly server: URL;
}

function toolOf(operation: ApiOperation, parts: Parts): Tool {
  const { spec } = parts;
  const rule = paginationOf(operation, spec);
  const isRead = ["GET", "HEAD", "OPTIONS"].includes(operation.method);
  const parameters: Json = rule === undefined ? operation.input : withPages(operation.input);
  const output = outputOf(operation, { rule, isChecked: spec.isOutputChecked });
  // Both are tried now, so that what cannot be checked is told at the import and not at a call.
  jsonSchema(output);
  return {
    name: operation.id,
    description: operation.description,
    effect: isRead ? "read" : "write",
    input: jsonSchema(parameters),
    parameters,
    output,
    // RFC 9110 §9.2.2, and what the server says of keys.
    isIdempotent: isRead || operation.method === "PUT" || operation.method === "DELETE" || operation.takesKey,
    isUntrusted: true,
    run: (input, call) => run(operation, { ...parts, rule, input: input as JsonObject }, call),
  };
}

function paginationOf(operation: ApiOperation, { pagination: rules }: ApiImport): Pagination | undefined {
  if (operation.method !== "GET") return undefined;
  const named = rules[operation.id] ?? rules["*"];
  if (named !== undefined) return named;
  const declared = pagination.safeParse(operation.extension);
  if (declared.success) return declared.data;
  const isList = typeof operation.answer === "object" && operation.answer !== null && (operation.answer as JsonObject)["type"] === "array";
  return operation.declaresLinks && isList ? { type: "link" } : undefined;
}

function withPages(input: JsonObject): Json {
  const pagesMax = { type: "integer", minimum: 1, maximum: PAGES_MAX, default: 1, description: "How many pages to read at most." };
  return { ...input, properties: { ...objectIn(input, "properties"), pagesMax } };
}

function outputOf(
  operation: ApiOperation,
  { rule, isChecked }: { readonly rule: Pagination | undefined; readonly isChecked: boolean },
): Json {
  if (rule !== undefined) {
    const properties = { status: { type: "integer" }, items: { type: "array" }, pages: { type: "integer" }, hasMore: { type: "boolean" } };
    return { type: "object", properties, required: Object.keys(properties) };
  }
  const answer = isChecked ? operation.answer : {};
  const { $defs, ...body } = (typeof answer === "object" && answer !== null ? answer : {}) as JsonObject;
  const properties = { status: { type: "integer" }, body };
  return { type: "object", properties, required: ["status", "body"], ...($defs !== undefined && { $defs }) };
}

interface Running extends Parts {
  readonly rule: Pagination | undefined;
  readonly input: JsonObject;
}

async function run(operation: ApiOperation, running: Running, call: ToolCall): Promise<Json> {
  const { input: asked, rule, server, spec, document, secrets } = running;
  const { pagesMax = 1, ...input } = asked;
  const { forms, ...signed } = signedWith(credentialsFor(operation, { document, auth: spec.auth, name: spec.name }), secrets);
  const send = (request: ApiRequest): Promise<WebResponse> => sendOne(operation, { ...running, request, signed }, call);
  try {
    const first = await send(requestOf(operation, server, input));
    if (rule === undefined) return scrubbed({ status: first.status, body: contentOf(first) }, forms);
    const all = await allPages(operation, { rule, input, first, pagesMax: Number(pagesMax) }, (next, page) =>
      send("url" in next ? { ...requestOf(operation, server, page), url: next.url } : requestOf(operation, server, next.input)),
    );
    return scrubbed(all, forms);
  } catch (error) {
    call.signal.throwIfAborted();
    throw scrubbedError(error, forms);
  }
}

interface Sending extends Parts {
  readonly request: ApiRequest;
  readonly signed: Pick<ReturnType<typeof signedWith>, "headers" | "query">;
}

async function sendOne(operation: ApiOperation, { request, signed, client, server, spec }: Sending, call: ToolCall): Promise<WebResponse> {
  const url = new URL(request.url);
  requireServer(url, server);
  for (const [name, value] of Object.entries(signed.query)) url.searchParams.set(name, value);
  const { cookie: ownCookie, ...headers } = request.headers;
  const { cookie: signedCookie, ...credentials } = signed.headers;
  const cookie = [ownCookie, signedCookie].filter((one) => one !== undefined).join("; ");
  const answer = await client.send(
    {
      url,
      method: operation.method,
      headers: {
        accept: "application/json, text/*;q=0.5",
        ...headers,
        ...(operation.takesKey && { "idempotency-key": call.idempotencyKey }),
      },
      credentials: { ...credentials, ...(cookie !== "" && { cookie }) },
      body: request.body,
      bytesMax: BYTES_MAX,
      timeoutMs: TIMEOUT_MS,
      redirectsMax: REDIRECTS_MAX,
      admit: (hop) => requireServer(hop, server),
    },
    call.signal,
  );
  requireSuccess(answer, `${operation.id} of ${spec.name}`);
  return answer;
}

/** An API's tools reach its own server only, whatever its answers say. */
function requireServer(url: URL, server: URL): void {
  if (url.origin !== server.origin)
    throw new AppError("denied", `wanted a URL of ${server.origin}, got one of ${url.origin}; import that one by itself`);
}

interface Pages {
  readonly rule: Pagination;
  readonly input: JsonObject;
  readonly first: WebResponse;
  readonly pagesMax: number;
}

async function allPages(
  operation: ApiOperation,
  { rule, input, first, pagesMax }: Pages,
  send: (next: NextPage, input: JsonObject) => Promise<WebResponse>,
): Promise<Json> {
  const items: Json[] = [];
  let response = first;
  let asked = input;
  for (let pages = 1; ; pages += 1) {
    const body = contentOf(response);
    items.push(...itemsOf(body, rule));
    const next = nextOf(rule, operation, { response, body, input: asked });
    if (next === undefined || pages >= pagesMax || items.length >= ITEMS_MAX)
      return { status: response.status, items: items.slice(0, ITEMS_MAX), pages, hasMore: next !== undefined };
    response = await send(next, asked);
    if ("input" in next) asked = next.input;
  }
}

function contentOf(response: WebResponse): Json {
  if (response.body.length === 0) return null;
  const type = mediaTypeOf(response);
  if (isJsonType(type)) return jsonOf(response);
  return isTextType(type) ? textOf(response) : response.body.toString("base64");
}

import { startStandIn, type StandIn } from "./stand-in.ts";

const KEY = "k3y-of-the-shop";

/** What the shop heard of a request. */
export interface Heard {
  readonly line: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

interface Given {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: object;
}

/** A small API that describes itself in OpenAPI and does what its description says, or, below /liar, something else. */
export async function startPetShop(): Promise<StandIn & { readonly heard: Heard[]; readonly key: string; describe(): object }> {
  const heard: Heard[] = [];
  let failures = 0;
  /** What each path gives: a body, and where that matters a status and headers. */
  const answers: Readonly<Record<string, (url: URL, asked: Heard) => Given>> = {
    "/openapi.json": () => ({ body: describe(shop.origin) }),
    "POST /v1/pets": (_, { body }) => ({ status: 201, body: { ...JSON.parse(body), mother: undefined, id: 7 } as object }),
    "/v1/pets": ({ searchParams }) => {
      const page = Number(searchParams.get("page") ?? 1);
      const link = `<${shop.origin}/v1/pets?page=${page + 1}>; rel="next"`;
      return { body: [{ id: page, name: `Pet ${page}` }], ...(page < 3 && { headers: { link } }) };
    },
    "/v1/orders": ({ searchParams }) => {
      const after = Number(searchParams.get("after") ?? 0);
      return { body: { data: [after + 1, after + 2], meta: { next: after < 4 ? String(after + 2) : null } } };
    },
    "/v1/liar": () => ({ body: { id: "seven", name: 7 } }),
    "/v1/echo": (_, { headers }) => ({ body: { id: 1, name: String(headers["x-api-key"]) } }),
    "/v1/flaky": () => ((failures += 1) % 2 === 1 ? { status: 503, body: {} } : { body: { id: 1, name: "late" } }),
    "/v1/away": () => ({ status: 302, body: {}, headers: { location: "http://169.254.169.254/" } }),
  };
  const shop = await startStandIn((request, response, received) => {
    const url = new URL(request.url ?? "/", "http://shop");
    const asked = { line: `${request.method} ${request.url}`, headers: request.headers, body: received.toString() };
    heard.push(asked);
    const isOpen = url.pathname === "/openapi.json" || request.headers["x-api-key"] === KEY;
    const owner = (): Given => (url.pathname.startsWith("/v1/pets/") ? { body: { id: 1, name: url.pathname } } : { status: 404, body: {} });
    const answer = answers[`${request.method} ${url.pathname}`] ?? answers[url.pathname] ?? owner;
    const { status = 200, headers = {}, body } = isOpen ? answer(url, asked) : { status: 401, body: { error: "no key" } };
    response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
  });
  return { ...shop, heard, key: KEY, describe: () => describe(shop.origin), [Symbol.asyncDispose]: () => shop[Symbol.asyncDispose]() };
}

const COMPONENTS = {
  securitySchemes: { key: { type: "apiKey", in: "header", name: "X-Api-Key" } },
  schemas: {
    Pet: {
      type: "object",
      required: ["id", "name"],
      properties: {
        id: { type: "integer", readOnly: true },
        name: { type: "string", minLength: 1 },
        nick: { type: "string", nullable: true },
        mother: { $ref: "#/components/schemas/Pet" },
      },
    },
  },
};
const pet = { $ref: "#/components/schemas/Pet" };
const gives = (schema: object, status = "200"): object => ({
  [status]: { description: "ok", content: { "application/json": { schema } } },
});
const get = (operationId: string, more: object = {}): object => ({ get: { operationId, responses: gives(pet), ...more } });

function describe(origin: string): object {
  return {
    openapi: "3.0.3",
    info: { title: "Pet shop", version: "1" },
    servers: [{ url: `${origin}/{version}`, variables: { version: { default: "v1" } } }],
    security: [{ key: [] }],
    paths: {
      "/pets": {
        get: {
          operationId: "list pets",
          tags: ["pets"],
          summary: "Lists pets",
          parameters: [
            { name: "page", in: "query", schema: { type: "integer" } },
            { name: "tag[]", in: "query", schema: { type: "array", items: { type: "string" } } },
            { name: "where", in: "query", style: "deepObject", schema: { type: "object" } },
          ],
          responses: {
            200: {
              description: "pets",
              headers: { Link: { schema: { type: "string" } } },
              content: { "application/json": { schema: { type: "array", items: pet } } },
            },
          },
        },
        post: {
          operationId: "addPet",
          tags: ["pets"],
          parameters: [{ name: "X-Trace", in: "header", schema: { type: "string" } }],
          requestBody: { required: true, content: { "application/json": { schema: pet } } },
          responses: gives(pet, "201"),
        },
      },
      "/pets/{id}/owners/{id2}": get("getOwner", {
        parameters: [
          { name: "id", in: "path", required: true, schema: { type: "string" } },
          { name: "id2", in: "path", required: true, schema: { type: "string" } },
          { name: "id", in: "query", schema: { type: "integer", minimum: 0, exclusiveMinimum: true } },
        ],
      }),
      "/orders": get("listOrders", {
        parameters: [{ name: "after", in: "query", schema: { type: "string" } }],
        "x-tutti-pagination": { type: "cursor", parameter: "after", next: "/meta/next", items: "/data" },
        responses: gives({ type: "object" }),
      }),
      "/liar": get("lie"),
      "/echo": get("echoKey"),
      "/flaky": { ...get("flakyRead"), post: { operationId: "flakyWrite", responses: gives(pet) } },
      "/away": get("goAway"),
      "/upload": {
        post: {
          operationId: "upload",
          requestBody: { required: true, content: { "multipart/form-data": { schema: {} } } },
          responses: { 204: { description: "ok" } },
        },
      },
    },
    components: COMPONENTS,
  };
}

import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AppError, defineWorkflow, type Json, type Plugin } from "@tutti/core";
import { z } from "zod";
import { startTestApp, type TestApp } from "../testing.ts";
import { startMediaUpstream, MEDIA_API_KEY } from "./media-upstream.ts";
import { startOpenAiUpstream } from "./openai-upstream.ts";

const anything = { "~standard": { validate: (value: unknown) => ({ value }) } } as const;
const payment = z.object({ to: z.string(), amount: z.number() });
const plugin: Plugin = {
  name: "shapes",
  tools: [
    {
      name: "pay",
      description: "Pays somebody.",
      effect: "write",
      input: payment,
      parameters: z.toJSONSchema(payment) as Json,
      run: (input) => Promise.resolve({ paid: payment.parse(input).amount }),
    },
  ],
  workflows: [
    defineWorkflow<Json, Json>({ name: "echo", version: "1", input: anything, run: (ctx, input) => ctx.step("echo", () => input) }),
    defineWorkflow<Json, Json>({
      name: "wait",
      version: "1",
      input: anything,
      async run(ctx) {
        ctx.onQuery("state", () => "waiting");
        return (await ctx.waitFor("go")) ?? null;
      },
    }),
    defineWorkflow<Json, Json>({
      name: "fail",
      version: "1",
      input: anything,
      run: (ctx) => ctx.step("fail", () => Promise.reject(new AppError("upstream", "wanted an answer, got none")), { attemptsMax: 1 }),
    }),
  ],
};

/** The policy of its tools. */
export const TOOLS = `version: 1
rules:
  - { id: small, effect: allow, reason: small amounts need nobody, match: { tool: pay }, when: { input: { /amount: { max: 100 } } } }
  - { id: large, effect: ask, reason: somebody looks at it, match: { tool: pay }, when: { input: { /amount: { above: 100 } } } }
`;
/** The policy that decides beside it. */
export const SHADOW = TOOLS.replace("effect: allow", "effect: deny");
/** Where its texts go. */
export const ROUTES = String.raw`version: 1
undecided: answer
rules:
  - { id: calc, match: '^what is (?P<expression>[\d+*/(). -]+)\?$', tool: safe_calc, params: { expression: $expression }, reason: arithmetic, answer: $text }
  - { id: repeat, match: '^echo (?P<what>.+)$', tool: echo, params: { text: $what }, reason: it asks for an echo }
`;

/** A server with something of everything: policies, workflows that end, wait and fail, a chat model and one for vectors. */
export interface ShapesWorld extends AsyncDisposable {
  readonly app: TestApp;
}

/** Starts it. */
export async function startShapesWorld(): Promise<ShapesWorld> {
  await using starting = new AsyncDisposableStack();
  const folder = starting.use(await mkdtempDisposable(join(tmpdir(), "tutti-shapes-")));
  const write = async (name: string, text: string): Promise<string> => {
    await writeFile(join(folder.path, name), text);
    return join(folder.path, name);
  };
  const upstream = starting.use(await startOpenAiUpstream());
  const media = starting.use(await startMediaUpstream());
  const app = starting.use(
    await startTestApp({
      toolPolicyPath: await write("tools.yaml", TOOLS),
      shadowPolicyPath: await write("shadow.yaml", SHADOW),
      routerPolicyPath: await write("routes.yaml", ROUTES),
      routerPolicyShadowPath: await write(
        "other-routes.yaml",
        ROUTES.replace("tool: safe_calc, params: { expression: $expression }", "tool: echo, params: { text: $text }"),
      ),
      inlinePlugins: [plugin],
      queues: [{ name: "slow", workflows: ["echo"], concurrency: 2, queuedMax: 10 }],
      providers: [
        { name: "chat", baseUrl: upstream.baseUrl, models: ["test-model"] },
        { name: "media", baseUrl: media.baseUrl, apiKey: MEDIA_API_KEY, models: ["embed-1"], surfaces: ["embeddings"] },
      ],
    }),
  );
  const started = starting.move();
  return { app, [Symbol.asyncDispose]: () => started.disposeAsync() };
}

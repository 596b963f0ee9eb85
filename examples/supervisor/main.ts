// Supervision: an importer that fails is restarted, one that crashes again and again is stopped and told of. Run it with: npm run example:supervisor
import { createClient } from "@tutti/client";
import { AppError, defineWorkflow } from "tutti";
import { startTestApp } from "tutti/testing";
import { z } from "zod";

// 1. An importer whose shop is down now and then. Its own step is not tried again, so that every failure is the supervisor's business.
let isShopUp = false;
let attempts = 0;
const importer = defineWorkflow({
  name: "import-orders",
  version: "1",
  input: z.object({ shop: z.string() }),
  run: (ctx, { shop }) =>
    ctx.step(
      "fetch",
      () => {
        attempts += 1;
        if (!isShopUp && attempts !== 2) throw new AppError("upstream", `${shop} does not answer`);
        return { shop, orders: 12 };
      },
      { attemptsMax: 1 },
    ),
});

await using tutti = await startTestApp({ inlinePlugins: [{ name: "shop", workflows: [importer] }] });
const client = createClient({ baseUrl: tutti.url, token: tutti.token });
const input = { shop: "Milano" };
const backoff = { delayMs: 5, delayMaxMs: 20 };

// 2. It fails once and is started again, after a short random wait.
await client.supervise({ name: "importer", workflow: "import-orders", input, policy: { backoff } });
await until(async () => (await client.supervised()).length === 0);
console.log(`done after ${attempts} attempts`);

// 3. It fails three times within a minute: that is a crash loop. It is started no more, and says why, to people and to subscribers.
await client.supervise({
  name: "importer",
  workflow: "import-orders",
  input,
  policy: { backoff, crashLoop: { failuresMax: 3, withinMs: 60_000 } },
});
await until(async () => (await client.supervisedOne("importer")).status === "crash loop");
const { restarts, error } = await client.supervisedOne("importer");
console.log(`a crash loop after ${restarts} restarts: ${error?.message}`);
const { status, components } = await client.health();
const part = components.find(({ name }) => name === "supervised importer");
console.log(`health is ${status}: ${part?.todo}`);

// 4. Somebody mends the cause and lets it go on.
isShopUp = true;
await client.resumeSupervised("importer");
await until(async () => (await client.supervised()).length === 0);
console.log(`health is ${(await client.health()).components.some(({ status: now }) => now === "down") ? "down" : "well"} again`);

// 5. Work that shall not be restarted leaves a dead letter when it fails.
isShopUp = false;
await client.supervise({ name: "once", workflow: "import-orders", input, policy: { restart: "never" } });
await until(async () => (await client.deadLetters()).length === 1);
const [letter] = await client.deadLetters();
console.log(`dead letter from ${letter?.source}, tried ${letter?.attempts} time: ${letter?.error.message}`);
await client.dismissDeadLetter(letter?.id ?? "", "the shop has closed for good");

async function until(isDone: () => Promise<boolean>): Promise<void> {
  while (!(await isDone())) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** The plugin of a lamp shop with shops in three towns: workflows of every shape, tools that are asked about, and two agents. */
import { AppError, defineWorkflow, type AgentSpec, type Decision, type Json, type Plugin, type Policy, type Tool } from "@tutti/core";
import { z } from "zod";

const TOWNS = ["Milano", "Lyon", "תל אביב"];
/** Rows of a report that is too large for the log itself. */
const LARGE_ROWS = 1200;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Loads at once, sends one thing twice, asks a model, starts a child, and gives a value that lies in the blob store. */
const report = defineWorkflow({
  name: "nightly-report",
  version: "3",
  description: "Adds up what the shops sold, has it put into words, and exports it.",
  input: z.object({ day: z.string(), towns: z.array(z.string()).default(TOWNS) }),
  async run(ctx, { day, towns }) {
    const sales = await ctx.map(
      towns,
      async (branch, town) => {
        const lines = await branch.step(`load ${town}`, async () => {
          await pause(12 + town.length * 3);
          return { town, orders: 40 + town.length, euros: 1200 + 90 * town.length };
        });
        await branch.step("convert currency", () => pause(8));
        return lines;
      },
      { concurrency: 3 },
    );
    await ctx.step(
      "fetch exchange rates",
      async ({ attempt }) => {
        await pause(10);
        if (attempt < 3) throw new AppError("upstream", "the bank's server answered 503");
        return { EURUSD: 1.08 };
      },
      { backoff: { delayMs: 15, delayMaxMs: 30 } },
    );
    const words = await ctx.generate("lamps-large", {
      messages: [{ role: "user", content: `Put the sales of ${day} into one sentence: ${JSON.stringify(sales)}` }],
    });
    await ctx.step("write the table", async () => {
      await pause(20);
      return Array.from({ length: LARGE_ROWS }, (_, row) => ({
        row,
        article: `lamp ${row % 37}`,
        town: TOWNS[row % 3] ?? "",
        euros: (row * 7) % 190,
      }));
    });
    const file = await ctx.start("export-file", { day, format: "csv" });
    await ctx.emit({ name: "report.made", data: { day, towns: towns.length } });
    return { day, summary: words.content, file };
  },
});

const exportFile = defineWorkflow({
  name: "export-file",
  version: "1",
  description: "Writes a report to a file and checks it.",
  input: z.object({ day: z.string(), format: z.enum(["csv", "json"]) }),
  async run(ctx, { day, format }) {
    await ctx.step("write", () => pause(14));
    await ctx.step("check", () => pause(6));
    return { name: `sales-${day}.${format}`, sizeBytes: 48_213 };
  },
});

/** Waits for its receipt, then for a person. */
const expense = defineWorkflow({
  name: "expense",
  version: "1",
  description: "Pays what somebody laid out, once a person has agreed.",
  input: z.object({ who: z.string(), what: z.string(), euros: z.number().positive() }),
  async run(ctx, { who, what, euros }) {
    await ctx.step("find the receipt", () => ({ file: `${what}.pdf`, pages: 2 }));
    const { approved, by, reason } = await ctx.approve({
      question: `Pay ${who} ${euros} € for ${what}?`,
      detail: { who, what, euros, costCentre: "4410 shop fittings" },
      approvers: ["owner"],
    });
    if (!approved) return { paid: false, reason };
    await ctx.step("transfer", () => ({ transfer: "SEPA-20731" }));
    return { paid: true, by };
  },
});

/** Fails for good until the card is another one. */
const refund = defineWorkflow({
  name: "refund",
  version: "2",
  description: "Gives a customer their money back.",
  input: z.object({ order: z.string(), card: z.string(), euros: z.number() }),
  async run(ctx, { order, card, euros }) {
    await ctx.step("find the order", () => ({ order, state: "returned", euros }));
    await ctx.step(
      "pay back",
      async () => {
        await pause(9);
        if (card.endsWith("0000")) throw new AppError("upstream", `the card ${card} has expired; ask the customer for another one`);
        return { refunded: euros };
      },
      { attemptsMax: 3, backoff: { delayMs: 8, delayMaxMs: 20 } },
    );
    return { refunded: euros };
  },
});

/** Goes on until it is told to stop. */
const watch = defineWorkflow({
  name: "stock-watch",
  version: "1",
  description: "Counts the shelves whenever a delivery comes.",
  input: z.object({ town: z.string() }),
  async run(ctx, { town }) {
    let count = 0;
    ctx.onQuery("counted", () => count);
    for (;;) {
      const delivery = await ctx.waitFor("delivery");
      if (delivery === "stop") return { town, count };
      count += 1;
      await ctx.step(`count shelf ${count}`, () => ({ town, lamps: 12 + count }));
    }
  },
});

const importOrders = defineWorkflow({
  name: "import-orders",
  version: "1",
  description: "Fetches new orders from a shop's own system.",
  input: z.object({ town: z.string() }),
  run: (ctx, { town }) =>
    ctx.step(
      "fetch",
      () => {
        if (town !== "Lyon") throw new AppError("upstream", `the shop in ${town} does not answer: connection refused`);
        return { town, orders: 12 };
      },
      { attemptsMax: 1 },
    ),
});

const print = defineWorkflow({
  name: "print-labels",
  version: "1",
  description: "Prints parcel labels, one printer for everybody.",
  input: z.object({ parcels: z.number().int() }),
  // It prints for as long as anybody looks.
  run: async (ctx) => {
    await ctx.step(
      "print",
      ({ signal }) => new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true })),
    );
    return "printed";
  },
});

/** Writes something, for a person to look at first. */
function writing(name: string, description: string, properties: { readonly [key: string]: Json }): Tool {
  return {
    name,
    description,
    effect: "write",
    parameters: { type: "object", properties, required: Object.keys(properties) },
    run: async () => ({ done: true }),
  };
}

const sendMail = writing("send_mail", "Sends a mail to a customer.", {
  to: { type: "string", format: "email" },
  subject: { type: "string" },
  text: { type: "string" },
});
const changePrice = writing("change_price", "Sets what an article costs in the shop.", {
  article: { type: "string" },
  euros: { type: "number", minimum: 0 },
});
const findOrder: Tool = {
  name: "find_order",
  description: "Finds an order by its number.",
  effect: "read",
  parameters: { type: "object", properties: { number: { type: "string" } }, required: ["number"] },
  run: async () => ({ number: "L-2041", customer: "Noa Bar-Lev", articles: ["desk lamp"], state: "on its way, in Basel" }),
};

const supportQueue: Tool = {
  name: "support_queue",
  description: "Who waits for an answer.",
  effect: "read",
  parameters: { type: "object", properties: {} },
  run: async () => ({
    waiting: [
      { who: "Noa Bar-Lev", about: "Where is my desk lamp?", since: "2026-03-14T08:12:00Z", state: "open" },
      { who: "مريم الحسن", about: "المصباح لا يعمل", since: "2026-03-14T09:40:00Z", state: "answered" },
      { who: "Amélie Roux", about: "One of the candles came broken", since: "2026-03-13T16:05:00Z", state: "late" },
    ],
    open: 3,
  }),
};

const askOutside: Policy = ({ kind, resource }): Decision | undefined => {
  if (kind !== "tool.call") return undefined;
  if (resource === "find_order" || resource === "support_queue")
    return { effect: "allow", reason: "reading changes nothing", rule: "shop.reading" };
  if (resource === "send_mail") return { effect: "ask", reason: "mail to customers leaves the house", rule: "shop.mail" };
  if (resource === "change_price") return { effect: "ask", reason: "prices are looked at by a person", rule: "shop.prices" };
  return undefined;
};

const agent = (spec: Pick<AgentSpec, "name" | "description" | "instructions" | "tools" | "starters">): AgentSpec => ({
  version: "1",
  model: "default",
  routes: [],
  limits: { stepsMax: 6, historyMessagesMax: 30 },
  ...spec,
});

/** What the shop brings. */
export const lampShop: Plugin = {
  name: "lamp-shop",
  version: "2.4.0",
  workflows: [report, exportFile, expense, refund, watch, importOrders, print],
  tools: [sendMail, changePrice, findOrder, supportQueue],
  policies: [askOutside],
  panels: [
    {
      id: "support",
      title: "Support",
      description: "Who waits for an answer, and since when.",
      slot: "page",
      view: "table",
      source: { tool: "support_queue" },
      at: "waiting",
      columns: [
        { key: "who", title: "Customer", format: "text" },
        { key: "about", title: "About", format: "text" },
        { key: "since", title: "Waits since", format: "date" },
        { key: "state", title: "State", format: "badge" },
      ],
    },
    {
      id: "waiting",
      title: "Customers who wait",
      slot: "overview",
      view: "stat",
      source: { tool: "support_queue" },
      at: "open",
      size: "small",
    },
  ],
  agents: [
    agent({
      name: "clara",
      description: "Answers customers: where their order is, what can be returned, what is in stock.",
      instructions: "You are Clara of the lamp shop. Be brief and friendly, and look orders up before you answer.",
      tools: ["find_order", "send_mail", "safe_calc"],
      starters: ["Where is order L-2041?", "Can I return a lamp that I have used?"],
    }),
    agent({
      name: "dario",
      description: "Watches prices and proposes changes; a person agrees to each.",
      instructions: "You are Dario. You propose prices with a reason, and never change one twice a day.",
      tools: ["change_price", "safe_calc"],
      starters: ["What should the desk lamp cost in May?"],
    }),
  ],
};

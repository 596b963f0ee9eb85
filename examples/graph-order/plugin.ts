// What the graph in order.yaml uses: two tools, a child workflow and a model that needs no network.
import { AppError, defineWorkflow, type Model, type Plugin, type Policy, type Tool } from "tutti";
import { z } from "zod";

const reserveInput = z.object({ items: z.array(z.object({ name: z.string(), price: z.number(), quantity: z.number() })) });
let warehouseIsBusy = true;

/** Busy at first, and out of unicorns. */
const reserve: Tool<z.infer<typeof reserveInput>> = {
  name: "reserve",
  description: "Reserves items in the warehouse.",
  effect: "write",
  input: reserveInput,
  parameters: { type: "object", properties: { items: { type: "array" } }, required: ["items"] },
  async run({ items }) {
    if (items.some(({ name }) => name === "unicorn")) throw new AppError("not_found", "there are no unicorns left");
    if (warehouseIsBusy) {
      warehouseIsBusy = false;
      throw new AppError("upstream", "the warehouse is busy");
    }
    return { reserved: items.length };
  },
};

const trackInput = z.object({ look: z.number() });
const track: Tool<z.infer<typeof trackInput>> = {
  name: "track",
  description: "Says where a parcel is.",
  effect: "read",
  input: trackInput,
  parameters: { type: "object", properties: { look: { type: "number" } }, required: ["look"] },
  run: async ({ look }) => ({ state: look < 2 ? "on its way" : "delivered" }),
};

const pack = defineWorkflow({
  name: "pack",
  version: "1",
  input: reserveInput,
  run: async (ctx, { items }) => ({ parcel: await ctx.step("pack", () => `a parcel of ${items.length}`) }),
});

const polite: Model = {
  id: "polite",
  async *generate({ messages }) {
    yield { type: "text", text: `${messages.at(-1)?.content ?? ""} Thank you!` };
    yield { type: "finish", reason: "stop", usage: { inputTokens: 12, outputTokens: 5 } };
  },
};

const allowOwn: Policy = ({ kind, resource }) =>
  kind === "tool.call" && (resource === "reserve" || resource === "track")
    ? { effect: "allow", reason: "the example's own tools", rule: "example" }
    : undefined;

/** The graph is registered by its name, "order", like any workflow. */
export const plugin: Plugin = {
  name: "graph-order",
  tools: [reserve, track],
  workflows: [pack],
  models: [polite],
  policies: [allowOwn],
  graphs: [new URL("./order.yaml", import.meta.url)],
};

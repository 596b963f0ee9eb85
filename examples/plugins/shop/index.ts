import type { IsolatedPlugin, PluginHost } from "@tutti/core/plugin";

/** An article as the shop keeps it. */
interface Article {
  readonly name: string;
  readonly shelf: string;
  readonly count: number;
  readonly price: number;
  readonly page: string;
}

const CHANGES_MAX = 100;
const ARTICLES: readonly Article[] = [
  { name: "Assam", shelf: "tea", count: 14, price: 6.5, page: "https://example.com/assam" },
  { name: "Sencha", shelf: "tea", count: 3, price: 9, page: "https://example.com/sencha" },
  { name: "Teapot", shelf: "cups", count: 1, price: 34, page: "https://example.com/teapot" },
];
const noInput = { type: "object", properties: {}, additionalProperties: false };

/** A shop whose figures are panels: the manifest says which tool feeds which panel. */
export function init(host: PluginHost): IsolatedPlugin {
  const stock = async (): Promise<readonly Article[]> => ((await host.storage.get("stock")) ?? ARTICLES) as unknown as readonly Article[];
  return {
    tools: [
      {
        name: "shop_revenue",
        description: "What was sold in all, and how the last day compares with the one before.",
        effect: "read",
        parameters: noInput,
        async run() {
          const [first, second, third] = [120, 131, 118];
          const sum = (await host.call("safe_calc", { expression: `${first} + ${second} + ${third}` })) as {
            readonly result: number | string;
          };
          return { total: Number(sum.result), change: (third - second) / second };
        },
      },
      {
        name: "shop_stock",
        description: "What is in stock.",
        effect: "read",
        parameters: { type: "object", properties: { below: { type: "number" }, shelf: { type: "string" } }, additionalProperties: false },
        async run({ below, shelf }: { readonly below?: number; readonly shelf?: string }) {
          const items = (await stock()).filter(
            (article) => article.count <= (below ?? article.count) && article.shelf === (shelf ?? article.shelf),
          );
          return { items: items.map((article) => ({ ...article })) };
        },
      },
      ...writingTools(host, stock),
    ],
  };
}

type Tools = NonNullable<IsolatedPlugin["tools"]>;

/** What changes something is left to people and to what policy says. */
function writingTools(host: PluginHost, stock: () => Promise<readonly Article[]>): Tools {
  return [
    {
      name: "shop_set_stock",
      description: "Sets how many of an article there are.",
      effect: "write",
      parameters: {
        type: "object",
        properties: { article: { type: "string" }, count: { type: "number", minimum: 0 }, reason: { type: "string" } },
        required: ["article", "count"],
        additionalProperties: false,
      },
      async run({ article, count, reason = "set" }: { readonly article: string; readonly count: number; readonly reason?: string }) {
        const articles = await stock();
        if (!articles.some(({ name }) => name === article))
          throw Object.assign(new Error(`wanted one of ${articles.map(({ name }) => name).join(", ")}, got ${article}`), {
            code: "not_found",
          });
        const changes = ((await host.storage.get("changes")) ?? []) as readonly { readonly at: string }[];
        const change = { at: new Date().toISOString(), article, what: `${reason}: ${count}` };
        await host.storage.set(
          "stock",
          articles.map((one) => ({ ...one, count: one.name === article ? count : one.count })),
        );
        await host.storage.set("changes", [...changes.map((one) => ({ ...one })), change].slice(-CHANGES_MAX));
        return { article, count };
      },
    },
    {
      name: "shop_set_price",
      description: "Sets what an article costs.",
      effect: "write",
      parameters: {
        type: "object",
        properties: { article: { type: "string" }, price: { type: "number", minimum: 0 }, reason: { type: "string" } },
        required: ["article", "price"],
        additionalProperties: false,
      },
      async run({ article, price }: { readonly article: string; readonly price: number }) {
        const articles = await stock();
        await host.storage.set(
          "stock",
          articles.map((one) => ({ ...one, price: one.name === article ? price : one.price })),
        );
        return { article, price };
      },
    },
  ];
}

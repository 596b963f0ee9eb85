import type { IsolatedPlugin, PluginHost } from "@tutti/core/plugin";

// Called once, in a process of this plugin's own. `host` is all it has of Tutti.
export function init(host: PluginHost): IsolatedPlugin {
  return {
    tools: [
      {
        name: "hello_greet",
        description: "Greets somebody by name.",
        effect: "read",
        parameters: {
          type: "object",
          properties: { who: { type: "string", maxLength: 200, description: "Whom to greet." } },
          required: ["who"],
          additionalProperties: false,
        },
        async run({ who }: { who: string }) {
          const times = Number((await host.storage.get(who)) ?? 0) + 1;
          await host.storage.set(who, times);
          host.log("info", `greeted ${who}`, { times });
          return { text: `Hello, ${who}!`, times };
        },
      },
      {
        name: "hello_shout",
        description: "Greets somebody loudly.",
        effect: "read",
        parameters: { type: "object", properties: { who: { type: "string", maxLength: 200 } }, required: ["who"] },
        async run({ who }: { who: string }) {
          const echoed = await host.call("echo", { text: `Hello, ${who}!` });
          return { text: JSON.stringify(echoed).toUpperCase() };
        },
      },
    ],
  };
}

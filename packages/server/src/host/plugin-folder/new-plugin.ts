import { lstat, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "@tutti/core";

const NAME = /^[a-z][a-z0-9-]{0,40}$/;

/** Writes a small plugin that works, to begin from: a manifest, a tool, and a note. Returns its folder. */
export async function newPlugin(name: string, dir: string): Promise<string> {
  if (!NAME.test(name))
    throw new AppError(
      "invalid_input",
      `wanted a name of lower-case letters, digits and dashes, beginning with a letter, got ${JSON.stringify(name)}`,
    );
  const folder = join(dir, name);
  if (await lstat(folder).catch(() => undefined))
    throw new AppError("conflict", `wanted a new folder, got ${folder}, which is there already`);
  await mkdir(folder, { recursive: true });
  for (const [file, text] of Object.entries(filesOf(name))) await writeFile(join(folder, file), text);
  return folder;
}

function filesOf(name: string): Readonly<Record<string, string>> {
  const tool = `${name.replaceAll("-", "_")}_greet`;
  const manifest = {
    name,
    version: "1.0.0",
    description: "Greets people, and counts how often.",
    entry: "index.ts",
    permissions: { network: [], secrets: [], tools: [], offers: [tool], memoryMb: 160 },
  };
  return { "tutti.plugin.json": `${JSON.stringify(manifest, null, 2)}\n`, "index.ts": entryOf(tool), "README.md": readmeOf(name, tool) };
}

function entryOf(tool: string): string {
  return `import type { IsolatedPlugin, PluginHost } from "@tutti/core/plugin";

// Called once, in a process of this plugin's own. \`host\` is all it has of Tutti.
export function init(host: PluginHost): IsolatedPlugin {
  return {
    tools: [
      {
        name: "${tool}",
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
          host.log("info", \`greeted \${who}\`, { times });
          return { text: \`Hello, \${who}!\`, times };
        },
      },
    ],
  };
}
`;
}

function readmeOf(name: string, tool: string): string {
  return `# ${name}
A plugin for Tutti. \`tutti.plugin.json\` says what it is and what it asks for, \`index.ts\` what it does.

\`\`\`sh
tutti plugins enable ${name}
tutti tools call ${tool} --input '{"who": "Ada"}'
\`\`\`
While \`tutti up\` runs, a changed file is loaded a moment after it is saved.
`;
}

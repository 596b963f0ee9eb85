import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** What each hostile plugin does in its one tool, as source code. */
const HOSTILE: Readonly<Record<string, string>> = {
  throws: `() => { throw new Error("no"); }`,
  never: `() => new Promise(() => {})`,
  heap: `() => { const kept = []; for (;;) kept.push(new Array(1000).fill(kept.length)); }`,
  buffers: `async () => { const kept = []; for (;;) { kept.push(Buffer.alloc(1 << 23, 1)); await null; } }`,
  spins: `() => { for (;;); }`,
  prints: `() => { for (;;) process.stdout.write("x".repeat(65536)); }`,
  late: `() => { for (let i = 0; i < 100; i += 1) void Promise.reject(new Error("late")); return 1; }`,
  exits: `() => process.exit(3)`,
  garbage: `() => { writeSync(3, "garbage\\n"); return 1; }`,
  giant: `async () => { const part = "z".repeat(65536); for (;;) { try { writeSync(3, part); } catch { await new Promise(setImmediate); } } }`,
  large: `() => "x".repeat(900000)`,
  chatty: `() => { for (let i = 0; i < 5000; i += 1) host.log("info", "line " + i); return 1; }`,
};

/** Names of the hostile plugins; ONLY=spins,heap takes some of them. */
export const hostileNames: readonly string[] = process.env.ONLY?.split(",") ?? Object.keys(HOSTILE);

/** Writes the hostile plugins and as many that do as they should, with tools "NAME_tool" and "calm_NAME_tool". */
export async function writePlugins(dir: string): Promise<void> {
  for (const [name, run] of Object.entries(HOSTILE)) {
    await writePlugin(dir, name, run);
    await writePlugin(dir, `calm-${name}`, `() => "fine"`);
  }
}

async function writePlugin(dir: string, name: string, run: string): Promise<void> {
  const tool = toolOf(name);
  const manifest = {
    name,
    version: "1.0.0",
    description: "For the bench.",
    entry: "index.mjs",
    permissions: { offers: [tool], memoryMb: 160 },
  };
  await mkdir(join(dir, name), { recursive: true });
  await writeFile(join(dir, name, "tutti.plugin.json"), JSON.stringify(manifest));
  const tools = `[{ name: "${tool}", description: "A tool.", effect: "read", parameters: {}, run: ${run} }]`;
  await writeFile(
    join(dir, name, "index.mjs"),
    `import { writeSync } from "node:fs";\nexport const init = (host) => ({ tools: ${tools} });\n`,
  );
}

/** The tool of a plugin. */
export function toolOf(name: string): string {
  return `${name.replaceAll("-", "_")}_tool`;
}

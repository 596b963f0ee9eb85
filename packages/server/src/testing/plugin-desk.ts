import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Json } from "@tutti/core";
import { startTestApp, type TestApp } from "../testing.ts";

/** A plugin as `GET /v1/plugins/NAME` shows it. */
type View = { readonly [key: string]: Json } & {
  readonly status: string;
  readonly problem: string | null;
  readonly asks: readonly string[];
};

/** A Tutti with a plugins folder of its own. */
export interface Desk extends AsyncDisposable {
  readonly app: TestApp;
  readonly dir: string;
  write(plugin: string, files: Readonly<Record<string, string>>): Promise<void>;
  show(name: string): Promise<View>;
  enable(name: string): Promise<Response>;
  call(
    tool: string,
    input?: Json,
  ): Promise<{ readonly status: number; readonly output?: Json; readonly error?: { readonly code: string; readonly message: string } }>;
}

/** Opens one; `options` are those of a test app. */
export async function openDesk(options: Parameters<typeof startTestApp>[0] = {}): Promise<Desk> {
  const dir = await mkdtemp(join(tmpdir(), "tutti-plugins-"));
  const app = await startTestApp({ plugins: [], ...options, pluginsDir: dir });
  return {
    app,
    dir,
    async write(plugin, files) {
      for (const [file, text] of Object.entries(files)) {
        await mkdir(dirname(join(dir, plugin, file)), { recursive: true });
        await writeFile(join(dir, plugin, file), text);
      }
    },
    async show(name) {
      return ((await (await app.fetch(`/v1/plugins/${name}`)).json()) as { readonly plugin: View }).plugin;
    },
    enable: (name) => app.fetch(`/v1/plugins/${name}/enable`, {}),
    async call(tool, input = {}) {
      const response = await app.fetch("/v1/tools/execute", { tool, input });
      return { status: response.status, ...((await response.json()) as object) };
    },
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** The manifest of a plugin "demo". */
export const manifest = (more: Readonly<Record<string, unknown>> = {}): string =>
  JSON.stringify({
    name: "demo",
    version: "1.0.0",
    description: "A test.",
    entry: "index.ts",
    permissions: { offers: ["say"], memoryMb: 160 },
    ...more,
  });
/** A module whose one tool, "say", does this. */
export const entry = (run: string): string =>
  `export const init = (host) => ({ tools: [{ name: "say", description: "Says.", effect: "read", parameters: { type: "object" }, run: ${run} }] });\n`;
/** A plugin whose tool says one word. */
export const saying = (word: string): Readonly<Record<string, string>> => ({
  "tutti.plugin.json": manifest(),
  "index.ts": entry(`(): string => "${word}"`),
});

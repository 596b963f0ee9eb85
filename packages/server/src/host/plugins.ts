import { readFile, realpath, stat } from "node:fs/promises";
import { isAbsolute, join, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { AppError, type Plugin } from "@tutti/core";

/** Imports a plugin by name ("holly", also "@tutti/plugin-holly" or any package) or by path (a folder or a module). */
export async function importPlugin(nameOrPath: string, baseDir: string): Promise<{ readonly plugin: Plugin; readonly path: string }> {
  const path = isPath(nameOrPath) ? await moduleOf(resolve(baseDir, nameOrPath)) : resolveByName(nameOrPath);
  const module = (await import(pathToFileURL(path).href).catch((error: unknown) => {
    throw new AppError(
      "invalid_input",
      `the plugin ${nameOrPath} does not load: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  })) as { readonly plugin?: unknown };
  if (isPlugin(module.plugin)) return { plugin: module.plugin, path };
  throw new AppError("invalid_input", `wanted a module that exports \`plugin\` with a name, got ${path} without one; see docs/plugins.md`);
}

/** Throws `denied` when a path lies outside a folder, links followed: code from elsewhere is not run because a request says so. */
export async function requireInside(folder: string, path: string): Promise<void> {
  const [root, real] = await Promise.all([realpath(folder), realpath(resolve(folder, path)).catch(() => resolve(folder, path))]);
  const way = relative(root, real);
  if (way.startsWith("..") || isAbsolute(way))
    throw new AppError(
      "denied",
      `wanted a plugin inside ${root}, got ${real}; start Tutti in a folder that holds it, or name it in \`plugins\` of tutti.yaml`,
    );
}

function isPath(nameOrPath: string): boolean {
  return nameOrPath.startsWith(".") || isAbsolute(nameOrPath) || (nameOrPath.includes("/") && !nameOrPath.startsWith("@"));
}

/** Resolved from here, where Tutti's own plugins are installed beside it. */
function resolveByName(name: string): string {
  for (const candidate of name.includes("/") ? [name] : [`@tutti/plugin-${name}`, name]) {
    try {
      return fileURLToPath(import.meta.resolve(candidate));
    } catch {
      // The next candidate may be there.
    }
  }
  throw new AppError(
    "not_found",
    `wanted an installed plugin, got "${name}", which is none; install it with npm, or give a path such as ./plugins/${name}`,
  );
}

async function moduleOf(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) throw new AppError("not_found", `wanted a plugin folder or module, got ${path}, which is not there`);
  if (found.isFile()) return path;
  for (const entry of await entriesOf(path)) if ((await stat(join(path, entry)).catch(() => undefined))?.isFile()) return join(path, entry);
  throw new AppError("not_found", `wanted a plugin folder with an index.ts, got ${path} without one`);
}

async function entriesOf(folder: string): Promise<readonly string[]> {
  const manifest = await readFile(join(folder, "package.json"), "utf8").catch(() => "{}");
  const { main } = JSON.parse(manifest) as { readonly main?: unknown };
  return [...(typeof main === "string" ? [main] : []), "index.ts", "index.js", "src/index.ts"];
}

function isPlugin(value: unknown): value is Plugin {
  return typeof value === "object" && value !== null && "name" in value && typeof value.name === "string" && value.name !== "";
}

// Removes what nobody uses: source maps and CommonJS copies of the MCP library (11 MB; Tutti imports the modules), and from the Node that the npm package `node` brings: 67 MB of C headers for building Node addons, and manual pages.
// Tutti starts that Node and builds nothing with it, and the headers alone would take an install over its bar of 250 MB. It runs after
// every `npm install`, touches the platform package of `node` and nothing else, and never fails an install: what it cannot remove stays.
// Plain JavaScript on built-in modules only: it runs on Node 20, right after npm.
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

const UNUSED = ["include", "share"];

const modules = join(import.meta.dirname, "../node_modules");
const platform = `${process.platform === "win32" ? "win" : process.platform}-${process.arch}`;

// npm puts it beside `node` or inside; which, depends on its version. Apple's own processors have the second name.
for (const parent of [modules, join(modules, "node/node_modules")])
  for (const name of [`node-${platform}`, `node-bin-${platform}`]) trim(join(parent, name), name);

for (const name of ["client", "core", "server"]) trimModules(join(modules, "@modelcontextprotocol", name, "dist"));

function trimModules(folder) {
  try {
    if (!existsSync(folder)) return;
    const files = readdirSync(folder, { recursive: true });
    for (const file of files) if (/\.(?:map|cjs|d\.cts)$/.test(file)) rmSync(join(folder, file), { force: true });
  } catch (error) {
    console.error(`trim_modules: wanted to remove source maps from ${folder}, got ${error.message}; they stay and do no harm.`);
  }
}

function trim(folder, name) {
  try {
    if (!existsSync(folder) || JSON.parse(readFileSync(join(folder, "package.json"), "utf8")).name !== name) return;
    for (const unused of UNUSED) rmSync(join(folder, unused), { recursive: true, force: true });
  } catch (error) {
    console.error(`trim_node: wanted to remove ${UNUSED.join(" and ")} from ${folder}, got ${error.message}; they stay and do no harm.`);
  }
}

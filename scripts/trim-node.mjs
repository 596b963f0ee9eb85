// Removes what nobody uses after every `npm install`, which would take an install over its bar of 250 MB: from the Node that the npm
// package `node` brings, 67 MB of C headers for building Node addons, and manual pages; from libraries, source maps and copies in other
// module formats. It never fails an install: what it cannot remove stays.
// Plain JavaScript on built-in modules only: it runs on Node 20, right after npm.
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

const UNUSED = ["include", "share"];

/** Files of libraries that Tutti never loads. */
const UNUSED_FILES = [
  ["@modelcontextprotocol/client/dist", /\.(?:map|cjs|d\.cts)$/],
  ["@modelcontextprotocol/core/dist", /\.(?:map|cjs|d\.cts)$/],
  ["@modelcontextprotocol/server/dist", /\.(?:map|cjs|d\.cts)$/],
  ["swagger-ui-dist", /\.map$|-es-bundle/],
];

const modules = join(import.meta.dirname, "../node_modules");
const platform = `${process.platform === "win32" ? "win" : process.platform}-${process.arch}`;

// npm puts it beside `node` or inside; which, depends on its version. Apple's own processors have the second name.
for (const parent of [modules, join(modules, "node/node_modules")])
  for (const name of [`node-${platform}`, `node-bin-${platform}`]) trim(join(parent, name), name);

for (const [folder, unused] of UNUSED_FILES) trimFiles(join(modules, folder), unused);

function trimFiles(folder, unused) {
  try {
    if (!existsSync(folder)) return;
    const files = readdirSync(folder, { recursive: true });
    for (const file of files) if (unused.test(file)) rmSync(join(folder, file), { force: true });
  } catch (error) {
    console.error(`trim_files: wanted to remove what nobody uses from ${folder}, got ${error.message}; they stay and do no harm.`);
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

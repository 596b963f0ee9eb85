// Plain JavaScript: this file runs on the machine's own Node, which may be too old for the rest of Tutti.
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** The oldest Node that runs Tutti's TypeScript and its embedded store. */
const NODE_MAJOR_MIN = 24;

/**
 * The Node that can run Tutti: this one, or the one that the npm package `node` brought.
 * @returns {{ path: string, isThisOne: boolean } | undefined}
 */
export function findNode() {
  if (major(process.versions.node) >= NODE_MAJOR_MIN) return { path: process.execPath, isThisOne: true };
  const path = bundledNode();
  return path === undefined ? undefined : { path, isThisOne: false };
}

/** One line for people: what was wanted, what was got, what to do. */
export function nodeTooOld() {
  return (
    `node_too_old: Tutti needs Node >= ${NODE_MAJOR_MIN}, got ${process.versions.node} (${process.execPath}). ` +
    `Install Node ${NODE_MAJOR_MIN}, or let npm bring it: npm rebuild node --ignore-scripts=false`
  );
}

function bundledNode() {
  const here = createRequire(import.meta.url);
  const home = packageFolder(here, "node");
  if (home !== undefined && existsSync(join(home, binary))) return join(home, binary);
  // With install scripts off nothing linked the binary into `node`, but the platform's package may be there all the same.
  const requires = home === undefined ? [here] : [here, createRequire(join(home, "package.json"))];
  for (const require of requires) {
    for (const name of platformPackages) {
      const folder = packageFolder(require, name);
      if (folder !== undefined && existsSync(join(folder, binary))) return join(folder, binary);
    }
  }
  return undefined;
}

const system = process.platform === "win32" ? "win" : process.platform;
const platformPackages = [`node-${system}-${process.arch}`, `node-bin-${system}-${process.arch}`];
const binary = process.platform === "win32" ? join("bin", "node.exe") : join("bin", "node");

function packageFolder(require, name) {
  try {
    const file = require.resolve(`${name}/package.json`);
    const { version } = JSON.parse(readFileSync(file, "utf8"));
    return major(version) >= NODE_MAJOR_MIN ? dirname(file) : undefined;
  } catch {
    // Not installed: an optional dependency may be missing.
    return undefined;
  }
}

function major(version) {
  return Number.parseInt(version, 10);
}

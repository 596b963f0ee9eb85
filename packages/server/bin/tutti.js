#!/usr/bin/env node
// The command `tutti`. Plain JavaScript, so that it starts on an older Node and hands over to the Node 24 that npm brought.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { findNode } from "./find-node.js";
import { quietWarnings } from "./quiet-warnings.js";
import { runNode } from "./run-node.js";

// A release holds JavaScript in dist/; a checkout runs its TypeScript as it is.
const entries = ["../dist/cli/main.js", "../src/cli/main.ts"].map((path) => new URL(path, import.meta.url));
const entry = entries.find((url) => existsSync(url)) ?? entries[0];

if (findNode()?.isThisOne === true) {
  quietWarnings();
  // Whoever may send SIGUSR1 would open the debugger, and through it run code in here: with a listener Node leaves it alone.
  process.on("SIGUSR1", () => {});
  // Loaded here only: an older Node does not have what it needs.
  const { useCompileCache } = await import("./compile-cache.js");
  await useCompileCache(entry);
  await import(entry.href);
} else {
  runNode([fileURLToPath(import.meta.url), ...process.argv.slice(2)]);
}

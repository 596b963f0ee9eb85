import { readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * The version of a peer's package that is measured.
 * @param {string} name
 * @returns {string}
 */
export function versionOf(name) {
  return JSON.parse(readFileSync(join(import.meta.dirname, "node_modules", name, "package.json"), "utf8")).version;
}

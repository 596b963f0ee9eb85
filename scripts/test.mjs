// `npm test` runs every test; `npm test -- PATTERN…` runs the files that match.
import { availableParallelism } from "node:os";
import { runNode } from "../packages/server/bin/run-node.js";

const patterns = process.argv.slice(2);
const everyTest = ["packages/**/*.test.ts", "plugins/**/*.test.ts", "test/**/*.test.ts", "bench/**/*.test.ts", "examples/**/*.test.ts"];

// npm says "production" because it leaves dev dependencies out; packages under test would believe it.
process.env.NODE_ENV = "test";
runNode([
  "--test",
  `--test-concurrency=${availableParallelism()}`,
  "--test-reporter=spec",
  // A test that waits for what never comes fails, and the others go on; the longest takes eight minutes.
  `--test-timeout=${20 * 60_000}`,
  `--import=${new URL("end-hung-tests.mjs", import.meta.url).href}`,
  ...(patterns.length > 0 ? patterns : everyTest),
]);

// `node scripts/node24.mjs ARGS` is `node ARGS` on a Node that is new enough, or one line that says what to do.
import { runNode } from "../packages/server/bin/run-node.js";

runNode(process.argv.slice(2));

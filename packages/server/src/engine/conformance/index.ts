import { describe } from "node:test";
import { runningTests } from "./running.ts";
import { branchTests } from "./branches.ts";
import { waitingTests } from "./waiting.ts";
import { endingTests } from "./ending.ts";
import { replayTests } from "./replaying.ts";
import { policyTests } from "./policy.ts";
import { approvingTests } from "./approving.ts";
import { taintingTests } from "./tainting.ts";
import { undoingTests } from "./undoing.ts";
import { boundingTests } from "./bounding.ts";
import { steeringTests } from "./steering.ts";
import type { Open } from "./setup.ts";

export { partsOf, type EngineUnderTest, type Setup } from "./setup.ts";

/** What every engine must do. `open` makes one over an empty store. */
export function engineConformance(name: string, open: Open): void {
  describe(`${name}: running`, () => runningTests(open));
  describe(`${name}: branches`, () => branchTests(open));
  describe(`${name}: waiting, signals and children`, () => waitingTests(open));
  describe(`${name}: cancelling and stopping`, () => endingTests(open));
  describe(`${name}: replaying`, () => replayTests(open));
  describe(`${name}: policy`, () => policyTests(open));
  describe(`${name}: approvals`, () => approvingTests(open));
  describe(`${name}: untrusted content`, () => taintingTests(open));
  describe(`${name}: undoing`, () => undoingTests(open));
  describe(`${name}: bounds and queues`, () => boundingTests(open));
  describe(`${name}: other runs, queries, versions and forks`, () => steeringTests(open));
}

import assert from "node:assert/strict";
import { test } from "node:test";
import type { ApprovalEntry } from "@tutti/client";
import { Shell } from "../shell.ts";
import { describeApproval, visibleJson } from "./approvals.ts";

const tail = "and all of it to the attacker";
const approval: ApprovalEntry = {
  runId: "run-1",
  key: "pay",
  question: "May it pay?",
  detail: { note: `${"x".repeat(300)}${tail}` },
  since: new Date(0).toISOString(),
  until: null,
};

function printed(isWhole: boolean): string {
  const lines: string[] = [];
  const shell = Object.assign(Object.create(Shell.prototype) as Shell, {
    out: { columns: 120, hasUnicode: true, hasColour: false },
    print: (...given: readonly string[]) => void lines.push(...given),
  });
  describeApproval(shell, approval, { isWhole });
  return lines.join("\n");
}

test("a person who is asked sees the whole input; a list says how much more there is, and how to see it", () => {
  assert.ok(printed(true).includes(tail));
  assert.ok(!printed(false).includes(tail));
  assert.match(printed(false), /… 240 more characters: tutti approvals show run-1 pay/);
});

test("hidden characters of an input stand as escapes", () => {
  const seen = visibleJson({ to: "a\u200Bb\u202Ec\u00A0d\u{E0041}\u001B[2J\u3164", text: "ä 中 é" });
  assert.equal(seen, String.raw`{"to":"a\u200bb\u202ec\u00a0d\udb40\udc41\u001b[2J\u3164","text":"ä 中 é"}`);
});

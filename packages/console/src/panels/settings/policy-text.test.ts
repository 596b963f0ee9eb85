import assert from "node:assert/strict";
import { test } from "node:test";
import { policyText } from "./policy-text.ts";

test("rules are written as a policy's file has them, their values as JSON", () => {
  assert.equal(
    policyText([
      {
        id: "small",
        effect: "allow",
        reason: 'needs "nobody"',
        match: { tool: "pay" },
        when: { input: { "/amount": { max: 100 } } },
        name: "/rules/pay.yaml",
        line: 3,
      },
    ]),
    `version: 1
rules:
  - id: "small"
    effect: "allow"
    reason: "needs \\"nobody\\""
    match: {"tool":"pay"}
    when: {"input":{"/amount":{"max":100}}}
`,
  );
});

test("where there is no rule there is an example to change", () => {
  assert.match(policyText([]), /ask-before-writing/);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { isHardMarkdown } from "./hard-markdown.ts";

test("what would hold the page up or nest without end is shown as it is", () => {
  for (const text of ["*a_ ".repeat(10_000), "[".repeat(5_000), "`a``".repeat(1_000), `${">".repeat(4_000)} hi`, `${"> ".repeat(50)}hi`])
    assert.equal(isHardMarkdown(text), true, text.slice(0, 20));
  assert.equal(isHardMarkdown(`${"- ".repeat(50)}x`), true);
  assert.equal(isHardMarkdown("a".repeat(300_000)), true);
});

test("long answers of people's and models' kind are read as markdown", () => {
  const prose = "Some **bold** words, `code`, a [link](https://example.com) and _more_.\n\n".repeat(1_000);
  const code = `Look:\n\n\`\`\`c\n${"char **argv_[8] = { *p, *q };\n".repeat(500)}\`\`\`\n\nDone.`;
  const list = "- one\n  - two\n    - three\n> > quoted\n".repeat(200);
  for (const text of [prose, code, list, "", "----------------------------------------------------------\n"])
    assert.equal(isHardMarkdown(text), false, text.slice(0, 20));
});

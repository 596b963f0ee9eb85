import assert from "node:assert/strict";
import { test } from "node:test";
import type { RunRecord } from "@tutti/core";
import { conversationsOf, messagesOf, type AskedRun, type ChatMessage } from "./conversations.ts";

function asked(id: string, ...contents: readonly string[]): AskedRun {
  const messages = contents.map((content, index): ChatMessage => ({ role: index % 2 === 0 ? "user" : "assistant", content }));
  return { run: { id, startedAt: `2026-01-01T00:00:${id.padStart(2, "0")}Z` } as RunRecord, messages };
}

test("runs that go on with each other are one conversation, newest first", () => {
  const conversations = conversationsOf([
    asked("4", "Other?"),
    asked("1", "Hi"),
    asked("2", "Hi", "Hello.", "How?"),
    asked("3", "Hi", "Hello.", "How?", "So.", "Why?"),
  ]);
  assert.deepEqual(
    conversations.map(({ id, title, runs }) => [id, title, runs.map(({ run }) => run.id)]),
    [
      ["4", "Other?", ["4"]],
      ["3", "Hi", ["1", "2", "3"]],
    ],
  );
});

test("a question that was asked again stands once, with its newest run", () => {
  const [conversation] = conversationsOf([asked("1", "Hi"), asked("2", "Hi", "Hello.", "How?"), asked("3", "Hi")]);
  assert.deepEqual([conversation?.id, conversationsOf([asked("1", "Hi"), asked("3", "Hi")]).length], ["3", 1]);
});

test("an input is read in both of its shapes, and what is none is no conversation", () => {
  assert.deepEqual(messagesOf({ message: "Hi" }), [{ role: "user", content: "Hi" }]);
  assert.deepEqual(messagesOf({ messages: [{ role: "user", content: "Hi" }, { role: "tool", content: "x" }, null, 3] }), [
    { role: "user", content: "Hi" },
  ]);
  for (const odd of [null, 3, [], "text", {}]) assert.deepEqual(messagesOf(odd), []);
});

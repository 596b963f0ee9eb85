import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { redact, redactText } from "./redact.ts";

const SECRETS = [
  "sk-proj-abcdefghijklmnop1234",
  "tutti_PcL_oj7GAkcpi6libNRhIqCcQ0p6NwyeKhPOqjs-IwM",
  "ghp_0123456789abcdefghij",
  "AKIAIOSFODNN7EXAMPLE",
  "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
  "Bearer abcdefghijklmnopqrstuvwx",
  "4111 1111 1111 1111",
  "ada.lovelace+news@mail.example.org",
  "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----",
];

test("secrets and personal data are masked wherever they stand", () => {
  fc.assert(
    fc.property(fc.constantFrom(...SECRETS), fc.lorem(), fc.lorem(), (secret, before, after) => {
      const shown = JSON.stringify(redact({ list: [`${before} ${secret} ${after}`], nested: { note: secret } }));
      assert.ok(!shown.includes(JSON.stringify(secret).slice(1, -1)), shown);
    }),
  );
});

test("what is called a secret is masked whatever it looks like, and numbers and flags stay", () => {
  const shown = redact({ password: "x", api_key: "y", apiKey: "z", authorization: "q", tokens: 3, token: true, maxTokens: "7" });
  assert.deepEqual(shown, {
    password: "[redacted]",
    api_key: "[redacted]",
    apiKey: "[redacted]",
    authorization: "[redacted]",
    tokens: 3,
    token: true,
    maxTokens: "7",
  });
});

test("plain text stays as it is, long text is cut and says how long it was", () => {
  assert.equal(redactText("Order 1234 ships on 2026-01-02."), "Order 1234 ships on 2026-01-02.");
  assert.match(redactText("word ".repeat(1000)), /… \[5000 characters\]$/);
});

test("no text makes masking slow", () => {
  // Each pattern is linear; a quadratic one would not end on these within the test runner's patience.
  for (const text of [
    "a.".repeat(200_000),
    "-----BEGIN ".repeat(50_000),
    "1 ".repeat(200_000),
    "eyJ".repeat(100_000),
    "@a".repeat(200_000),
  ])
    assert.ok(redactText(text).length < 1000);
});

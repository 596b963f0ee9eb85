import assert from "node:assert/strict";
import { test } from "node:test";
import type { Json } from "@tutti/core";
import { type Message } from "@tutti/core/model";
import fc from "fast-check";
import { CALL, session, asks, sent, these, received, all, SECRETS, PERSONAL, KEYS, PEOPLE } from "./guard-trial.ts";
import { Guardrails, type GuardConfig, type GuardSession } from "./index.ts";

test("keys and tokens are found wherever they stand, and findings say which kind, never which", () => {
  for (const [what, secret] of KEYS) {
    for (const around of ["", " ", "\n", '"', "(", "="]) {
      const guards = session(SECRETS);
      const text = sent(guards, `deploy with ${around}${secret}${around} today`);
      assert.ok(!text.includes(secret) && text.startsWith("deploy with ") && text.endsWith(" today"), `${what}: ${text}`);
      assert.deepEqual(guards.findings, [{ guard: "secrets", where: "input", what, action: "redact", count: 1 }], secret);
      assert.ok(!JSON.stringify(guards.findings).includes(secret.slice(0, 12)));
    }
  }
});

test("a password in a URL and a secret after its name are found, and what stands around them stays", () => {
  const guards = session(SECRETS);
  assert.match(
    sent(guards, "psql postgres://admin:s3cr3t-Pw@db.example.org/app"),
    /^psql postgres:\/\/admin:\[PASSWORD_IN_A_URL_\w{6}\]@db\.example\.org\/app$/,
  );
  assert.match(sent(guards, 'API_KEY="x9Kf3mQ7pLs2Vb8Nc4Wd6"'), /^API_KEY="\[ASSIGNED_SECRET_\w{6}\]"$/);
});

test("what only looks like a secret is left alone", () => {
  const guards = session(SECRETS);
  for (const text of [
    "Use sk-learn-is-a-great-library-for-you and task-force-coordination-meeting-notes.",
    "The token = something_that_is_explained_below, and the password: please choose one yourself!",
    "Bearer of bad news: authorization-by-committee-is-slow",
    "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    "commit 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "https://example.org/a:b@c and mailto:someone",
  ])
    assert.equal(sent(guards, text), text);
  assert.deepEqual(guards.findings, []);
});

test("personal data is found by its form and its checksum", () => {
  for (const [what, text] of PEOPLE) {
    const guards = session(PERSONAL);
    const out = sent(guards, `Please note ${text}, thank you.`);
    assert.ok(!out.includes(text), `${what}: ${out}`);
    assert.deepEqual(
      guards.findings.map((finding) => finding.what),
      [what],
      text,
    );
  }
});

test("dates, amounts, versions and numbers whose checksum is wrong are not personal data", () => {
  const guards = session(PERSONAL);
  for (const text of [
    "Order 1234 ships on 2026-01-02 at 12:34:56, or on 02.01.2026.",
    "Version 10.4.0 takes 127.0.0.1:8088 and 0.0.0.0; see section 3.2.1.",
    "It costs 1 234 567.89 euros, or 4111 1111 1111 1112 points; 12345678A, 44051401358 and 529.982.247-26.",
    "The parts 100-200-300 and 555 1234 are in stock 24/7; pi is 3.14159265358979.",
    "DE89 3704 0044 0532 0130 01 is no account, and ABCDEF85T10A562S no person.",
    "user@localhost and a @mention and a::b and 1:2:3",
  ])
    assert.equal(sent(guards, text), text);
  assert.deepEqual(guards.findings, []);
});

test("only the kinds that are asked for are looked for", () => {
  const guards = session({ ...PERSONAL, kinds: ["email"] } as GuardConfig);
  assert.match(sent(guards, "ada@example.org, 203.0.113.7"), /^\[EMAIL_\w{6}\], 203\.0\.113\.7$/);
  assert.throws(() => new Guardrails([{ ...PERSONAL, kinds: ["e-mail"] } as GuardConfig]), {
    code: "invalid_config",
    message: /kinds of email, iban/,
  });
});

test("a guard that blocks refuses the call and names itself, not the secret", () => {
  const guards = session({ ...SECRETS, action: "block" } as GuardConfig);
  const [, secret] = KEYS[0] ?? ["", ""];
  assert.throws(
    () => guards.input(asks(`my key is ${secret}`)),
    (error: Error) => {
      assert.deepEqual(
        [(error as Error & { code: string }).code, error.message],
        ["denied", 'the guardrail "secrets" refuses this request: api key was found in it'],
      );
      return !error.message.includes(secret);
    },
  );
});

test("a guard that annotates changes nothing, and counts", () => {
  const guards = session({ ...PERSONAL, action: "annotate" } as GuardConfig);
  const { request, isChanged, findings } = guards.input(asks("ada@example.org and bob@example.org"));
  assert.deepEqual([request, isChanged], [asks("ada@example.org and bob@example.org"), false]);
  assert.deepEqual(findings, [{ guard: "people", where: "input", what: "email", action: "annotate", count: 2 }]);
});

test("tool results, calls' inputs and texts in parts are looked at, and what is not touched stays the same object", () => {
  const guards = session(PERSONAL);
  const untouched: Message = { role: "system", content: "Be brief." };
  const { request } = guards.input({
    messages: [
      untouched,
      { role: "user", content: "To a@example.org", parts: [{ type: "text", text: "To a@example.org" }] },
      { role: "assistant", content: "", calls: [{ id: "1", name: "mail", input: { to: ["a@example.org"], note: 1 } }] },
      { role: "tool", content: "sent to a@example.org", callId: "1" },
    ],
  });
  assert.ok(!JSON.stringify(request).includes("a@example.org"));
  assert.equal(request.messages[0], untouched);
  assert.equal(
    request.messages[1]?.content,
    (request.messages[1]?.parts ?? []).map((part) => (part.type === "text" ? part.text : "")).join(""),
  );
  assert.deepEqual(
    guards.findings.map(({ where, count }) => [where, count]),
    [
      ["input", 2],
      ["tool-result", 1],
    ],
  );
});

test("what was taken out has the same name in every request, and comes back in the answer where that is wanted", async () => {
  const guardrails = new Guardrails([{ ...PERSONAL, where: ["input"], restore: true } as GuardConfig]);
  const [first, second, other] = [guardrails.session(CALL), guardrails.session(CALL), guardrails.session({ ...CALL, tenant: "other" })];
  assert.ok(first && second && other);
  const text = sent(first, "Write to ada@example.org");
  assert.equal(sent(second, "Write to ada@example.org"), text);
  assert.notEqual(sent(other, "Write to ada@example.org"), text);
  const name = text.slice("Write to ".length);
  for (let at = 0; at <= name.length; at += 1)
    assert.equal(await received(first, [`Dear ${name.slice(0, at)}`, `${name.slice(at)}, hello`]), "Dear ada@example.org, hello");
  const parts = await all(
    first.output(
      these(
        { type: "call.delta", index: 0, id: "1", name: "mail", text: `{"to":"${name}"}` },
        { type: "call", call: { id: "1", name: "mail", input: { to: name } } },
      ),
    ),
  );
  assert.deepEqual(parts.slice(0, -1), [{ type: "call", call: { id: "1", name: "mail", input: { to: "ada@example.org" } } }]);
});

test("topics are denied by word and pattern, and asked for by allow", async () => {
  const deny: GuardConfig = {
    id: "no-advice",
    check: "topics",
    deny: { words: ["stock tip", "größe"], patterns: ["(?i)buy .{0,20} shares"] },
    where: ["input"],
    action: "block",
  };
  for (const text of ["Any Stock\n Tip?", "Welche GRÖSSE? größe", "Should I BUY some shares"])
    assert.throws(() => session(deny).input(asks(text)), { code: "denied" }, text);
  for (const text of ["stock tips? stocktip", "größer", "buy many, many, many, many things, then shares"]) session(deny).input(asks(text));
  const allow: GuardConfig = { id: "shop", check: "topics", allow: { words: ["order", "refund"] }, where: ["input"], action: "block" };
  session(allow).input(asks("Where is my order?"));
  assert.throws(() => session(allow).input(asks("Write me a poem")), { code: "denied", message: /nothing of the allowed topics/ });
  const redact = session({ ...deny, where: ["output"], action: "redact" } as GuardConfig);
  assert.equal(await received(redact, ["A stock", " t", "ip for you"]), "A [removed] for you");
});

test("rules that do not go together are refused at the start", () => {
  const base = { id: "x", where: ["output"], action: "block" } as const;
  const bad: readonly GuardConfig[] = [
    { ...base, check: "topics" },
    { ...base, check: "topics", deny: { patterns: ["a.*b"] } },
    { ...base, check: "topics", deny: { patterns: ["(["] } },
    { ...base, check: "topics", allow: { words: ["a"] } },
    { ...base, check: "injection" },
    { ...base, where: ["input"], check: "schema", schema: {} },
    { ...base, check: "schema", schema: { type: "object", patternProperties: { "(a+)+$": {} } } },
    { ...base, check: "topics", deny: { patterns: ["(a{1,100}){1,100}"] } },
  ];
  for (const config of bad)
    assert.throws(() => new Guardrails([config]), { code: "invalid_config", message: /guardrail x/ }, JSON.stringify(config));
});

test("guards apply to their models, tenants and tags, and no guard is no session", () => {
  const guardrails = new Guardrails([
    { ...SECRETS, models: ["gpt-*"] },
    { ...PERSONAL, tenants: ["other"], tags: ["eu"] },
  ] as readonly GuardConfig[]);
  assert.equal(guardrails.session({ ...CALL, model: "llama" }), undefined);
  assert.ok(guardrails.session(CALL));
  assert.equal(guardrails.session({ model: "llama", tenant: "other", tags: ["us"] }), undefined);
  assert.ok(guardrails.session({ model: "llama", tenant: "other", tags: ["us", "eu"] }));
  assert.equal(new Guardrails([]).session(CALL), undefined);
});

const INJECTION: GuardConfig = { id: "inject", check: "injection", where: ["tool-result"], action: "redact" };

function toolSays(guards: GuardSession, content: string): string {
  return (
    guards
      .input({
        messages: [
          { role: "user", content: "Look" },
          { role: "assistant", content: "", calls: [{ id: "1", name: "web", input: {} }] },
          { role: "tool", callId: "1", content },
        ],
      })
      .request.messages.at(-1)?.content ?? ""
  );
}

test("no text makes the guards slow", () => {
  // A pattern that is not linear would not end on these within the test runner's patience.
  for (const unit of [
    "a",
    "a.",
    "1 ",
    "1",
    "-----BEGIN ",
    "eyJ",
    "eyJ.",
    "@a",
    "a@",
    "sk-",
    "://",
    ":",
    "ignore ",
    "ignore all ",
    "+1 ",
    "A1",
    "[A",
    "\u200b",
    "Bearer ",
    "api_key = ",
    "send my ",
    "/+",
    "\u{e0041}",
  ]) {
    const text = unit.repeat(100_000 / unit.length);
    const guards = session(
      { ...SECRETS, action: "annotate" } as GuardConfig,
      { ...PERSONAL, action: "annotate" } as GuardConfig,
      { ...INJECTION, action: "annotate" } as GuardConfig,
    );
    toolSays(guards, text);
  }
});

test("whatever the request holds, the guards let it through in one piece or refuse it", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom(...KEYS, ...PEOPLE).map(([, secret]) => secret),
  );
  fc.assert(
    fc.property(fc.array(text, { maxLength: 6 }), fc.jsonValue(), (texts, input) => {
      const guards = session(SECRETS, PERSONAL, INJECTION);
      const messages: readonly Message[] = [
        { role: "user", content: texts.join("") },
        { role: "assistant", content: "", calls: [{ id: "1", name: "x", input: input as Json }] },
        { role: "tool", content: texts.join(" "), callId: "1" },
      ];
      const { request } = guards.input({ messages });
      assert.equal(request.messages.length, 3);
      for (const [, secret] of KEYS)
        for (const message of request.messages)
          if (texts.includes(secret) && texts.length === 1) assert.ok(!message.content.includes(secret));
    }),
  );
});

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { openWorkplace, type Workplace } from "../testing/tutti-process.ts";

const POLICY = `version: 1
rules:
  - id: secrets
    effect: ask
    reason: somebody looks at secrets
    match: { tool: echo }
    when: { input: { /text: { contains: secret } } }
`;
const STRICTER = POLICY.replace("effect: ask", "effect: deny");
const ROUTES = `version: 1
rules:
  - { id: repeat, match: '^say (?P<what>.+)$', tool: echo, params: { text: $what }, reason: it asks for an echo }
`;
const BROKEN_ROUTES = `version: 1
rules:
  - { id: a, match: '(', tool: echo, reason: r }
  - { id: a, match: x, tool: echo, agent: holly, reason: r }
  - { id: c, match: x, tool: echo, reason: r, colour: red }
`;

let place: Workplace;

before(async () => {
  place = await openWorkplace({
    "tutti.yaml":
      "toolPolicyPath: policy.yaml\nshadowPolicyPath: shadow.yaml\nrouterPolicyPath: routes.yaml\nrouterPolicyShadowPath: shadow-routes.yaml\ntoolSecrets: [{ name: shop, env: SHOP_KEY }]\n",
    "policy.yaml": POLICY,
    "shadow.yaml": STRICTER,
    "routes.yaml": ROUTES,
    "shadow-routes.yaml": ROUTES.replace("tool: echo", "tool: summarize_text"),
    "broken.yaml": BROKEN_ROUTES,
  });
  const server = place.start(["up"]);
  await server.printed("http://");
});

after(() => place[Symbol.asyncDispose]());

const echo = (text: string, ...more: readonly string[]): ReturnType<Workplace["run"]> =>
  place.run(["tools", "call", "echo", "--set", `text=${text}`, ...more]);

interface Waiting {
  readonly approvals: readonly { readonly runId: string; readonly key: string; readonly call: { readonly argsHash: string } }[];
}

/** The one question that is open, once it is. */
async function question(): Promise<Waiting["approvals"][number]> {
  for (;;) {
    const [first] = (await place.json<Waiting>(["approvals"])).approvals;
    if (first !== undefined) return first;
  }
}

describe("the tool policy on the command line", () => {
  test("is shown, explained, and refuses in words of commands", async () => {
    const shown = await place.run(["policy"]);
    assert.match(
      shown.stdout,
      /policy\.yaml: 1 rules in force\n +policy hash [0-9a-f]{64}\n[^]*\nask +secrets +policy\.yaml:3 +somebody looks at secrets\n/,
    );
    const { rules: inForce } = await place.json<{ readonly rules: readonly { readonly id: string; readonly line: number }[] }>(["policy"]);
    assert.partialDeepStrictEqual(inForce, [{ id: "secrets", line: 3 }]);
    const refused = await echo("a secret");
    assert.match(
      refused.stderr,
      /refused by rule secrets: somebody looks at secrets; approve it with `tutti approvals give`.*--wait.*\[missing_approval\]/,
    );
    assert.doesNotMatch(refused.stderr, /\/v1\//);
    assert.equal(refused.code, 1);
    assert.equal((await echo("hello")).code, 0);
    const explained = await place.run(["policy", "explain", "--tool", "echo", "--input", '{"text": "a secret"}']);
    assert.match(explained.stdout, /tool\.call on "echo"[^]*ask[^]*secrets[^]*somebody looks at secrets/);
    const { rules } = await place.json<{ readonly rules: { readonly speaking: readonly { readonly id: string }[] } }>([
      "policy",
      "explain",
      "--tool",
      "echo",
      "--input",
      '{"text": "a secret"}',
    ]);
    assert.deepEqual(
      rules.speaking.map(({ id }) => id),
      ["secrets"],
    );
  });

  test("is held against the log and against another: diff, replay, shadow", async () => {
    await echo("one more secret");
    const diff = await place.run(["policy", "diff", "policy.yaml", "shadow.yaml"]);
    assert.match(diff.stdout, /^0 rules added, 0 removed, 1 changed, 0 the same\n +~ deny +secrets: effect changed\n/);
    const replayed = await place.json<{ readonly changed: number; readonly byChange: object }>(["policy", "replay", "shadow.yaml"]);
    assert.ok(replayed.changed > 0);
    assert.deepEqual(Object.keys(replayed.byChange), ["ask → deny"]);
    const shadow = await place.run(["policy", "shadow", "--since", "1h"]);
    assert.match(shadow.stdout, /shadow\.yaml: \d+ of \d+ decisions differ since/);
  });

  test("is checked with every problem at its place, and read again on command", async () => {
    await writeFile(
      join(place.dir, "wrong.yaml"),
      "version: 1\nrules:\n  - { id: x, effect: perhaps, reason: r, match: {} }\n  - { id: y }\n",
    );
    const wrong = await place.run(["policy", "check", "wrong.yaml"]);
    assert.equal(wrong.code, 1);
    assert.match(wrong.stdout, /wrong\.yaml:3:22 [^]*\n +3 \| [^]*\n +\| +\^\n[^]*wrong\.yaml:4:/);
    await writeFile(
      join(place.dir, "policy.yaml"),
      `${POLICY}  - { id: more, effect: deny, reason: no, match: { tool: nothing-there } }\n`,
    );
    assert.match(
      (await place.run(["policy", "reload"])).stdout,
      /policy\.yaml: 2 rules in force\n[^]*warning: rule more names the tool "nothing-there"/,
    );
    await writeFile(join(place.dir, "policy.yaml"), POLICY);
    assert.match((await place.run(["policy", "reload"])).stdout, /1 rules in force/);
  });
});

describe("approvals on the command line", () => {
  test("one call is approved before it is made, once", async () => {
    const given = await place.json<{ readonly approvalId: string }>(["approvals", "give", "echo", "--input", '{"text": "the secret"}']);
    assert.equal((await echo("the secret", "--approval", given.approvalId)).code, 0);
    assert.match((await echo("the secret", "--approval", given.approvalId)).stderr, /\[already_consumed\]/);
    assert.match((await place.run(["approvals", "grants", "--calls", "--all"])).stdout, /used up/);
  });

  test("a grant holds for so many calls, and is listed, shown and revoked", async () => {
    assert.match((await place.run(["approvals", "grants"])).stdout, /^No grants/);
    const { grant } = await place.json<{ readonly grant: { readonly approvalId: string } }>([
      "approvals",
      "grant",
      "echo",
      "--uses",
      "5",
      "--for",
      "1h",
    ]);
    assert.equal((await echo("granted secret")).code, 0);
    assert.match((await place.run(["approvals", "grants", grant.approvalId])).stdout, /echo[^]*1[^]*5/);
    assert.equal((await place.run(["approvals", "revoke", grant.approvalId, "--reason", "over"])).code, 0);
    assert.match((await echo("granted secret")).stderr, /missing_approval/);
  });

  test("a call that waits is listed, shown whole, and goes on or ends as people say", async () => {
    const waiting = place.start(["tools", "call", "echo", "--set", "text=a secret to look at", "--wait"]);
    const { runId, call } = await question();
    assert.match((await place.run(["approvals", "show", runId])).stdout, /a secret to look at[^]*/);
    assert.equal((await place.run(["approvals", "approve", runId, "--hash", call.argsHash, "--reason", "fine"])).code, 0);
    assert.match((await waiting.ended).stdout, /a secret to look at/);
    const refused = place.start(["tools", "call", "echo", "--set", "text=secret again", "--wait"]);
    await place.run(["approvals", "refuse", (await question()).runId, "--reason", "too dear"]);
    assert.match((await refused.ended).stderr, /too dear/);
  });

  test("a conversation asks before it goes on, and takes yes, no and another input", async () => {
    const { stdout, stderr, code } = await place.run(["chat", "holly", "--interactive"], {
      stdin: 'echo secret one\ny fine\necho secret two\nwhat?\nn not this\necho secret three\ne {"text": "something harmless"}\n/exit\n',
    });
    assert.equal(code, 0, stderr);
    assert.match(stdout, /secret one[^]*approved\n[^]*secret two[^]*refused\n[^]*approved\n[^]*something harmless/);
    assert.match(stderr, /y approves, n refuses \(a reason may follow\), e JSON approves another input/);
  });
});

describe("the router policy on the command line", () => {
  test("says where a text goes, and where the shadow would have sent it", async () => {
    const routed = await place.run(["route", "say hello"]);
    assert.match(routed.stdout, /^tool echo \(tier rule, rule repeat; confidence 1/);
    const nobody = await place.run(["route", "shadow"]);
    assert.match(nobody.stdout, /texts were routed|would have gone/);
  });

  test("is checked whole: every problem with its line, its column and a mark", async () => {
    const { code, stdout } = await place.run(["route", "check", "broken.yaml"]);
    assert.equal(code, 1);
    assert.match(
      stdout,
      /broken\.yaml:3:21 [^]*\n +3 \| .*\n +\| +\^\n[^]*broken\.yaml:4:5 [^]*broken\.yaml:4:11 [^]*got "a" again[^]*broken\.yaml:5:47 [^]*4 problems/,
    );
    const checked = await place.run(["route", "check", "broken.yaml", "--json"]);
    const { ok, problems } = JSON.parse(checked.stdout) as {
      readonly ok: boolean;
      readonly problems: readonly { readonly name: string; readonly line: number }[];
    };
    assert.deepEqual(
      [ok, problems.map(({ name, line }) => [name, line])],
      [
        false,
        [
          ["broken.yaml", 3],
          ["broken.yaml", 4],
          ["broken.yaml", 4],
          ["broken.yaml", 5],
        ],
      ],
    );
    assert.equal((await place.json<{ readonly rules: number }>(["route", "check", "routes.yaml"])).rules, 1);
  });
});

test("a tool's secret that is not set stops nobody who does not need it, and the doctor tells of it", async () => {
  const { stdout } = await place.run(["doctor"]);
  assert.match(stdout, /tool secrets +not set: shop \(SHOP_KEY\)/);
  assert.equal((await place.run(["config", "show"])).code, 0);
});

test("a named model whose provider is not there is warned of", async () => {
  await writeFile(
    join(place.dir, "models.yaml"),
    "providers: [{ name: near, baseUrl: http://127.0.0.1:9/v1 }]\nmodels: { fast: far/small, slow: near/large, plain: llama3.2 }\n",
  );
  const { warnings } = await place.json<{ readonly warnings: readonly string[] }>(["config", "check", "--config", "models.yaml"]);
  assert.deepEqual(warnings, ["models.fast leads to far/small, and no provider is called far; there are near"]);
});

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startOpenAiUpstream, type OpenAiUpstream } from "../../testing/openai-upstream.ts";
import { openWorkplace, type Started, type Workplace } from "../testing/tutti-process.ts";

let upstream: OpenAiUpstream;
let place: Workplace;
let server: Started;
let url: string;

before(async () => {
  upstream = await startOpenAiUpstream(undefined, { models: ["=model"] });
  place = await openWorkplace({
    "tutti.yaml": `port: 0\nproviders:\n  - name: hosted\n    baseUrl: ${upstream.baseUrl}\n    models: ["=model"]\n`,
  });
  server = place.start(["up"]);
  [url = ""] = /http:\/\/127\.0\.0\.1:\d+/.exec(await server.printed("docs")) ?? [];
});

after(async () => {
  await place[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

interface Key {
  readonly id: string;
  readonly models?: readonly string[];
  readonly limits: object;
}

test("a key is made, listed, changed, rotated and revoked, and its secret is shown once", async () => {
  assert.match((await place.run(["keys"])).stdout, /^No keys\. Make one: /);
  const made = await place.run([
    "keys",
    "create",
    "shop",
    "--team",
    "web",
    "--models",
    "=model,gpt-*",
    "--budget",
    "20/month",
    "--budget",
    "500000 tokens/day",
  ]);
  const [, secret = "", id = ""] =
    /^secret +(tk_([0-9a-z]{12})_[\w-]{43})\n +Keep it now: it is not shown again\.\n/.exec(made.stdout) ?? [];
  assert.notEqual(secret, "", made.stdout);
  assert.match(made.stdout, /limits +\$20\/month, 500000 tokens\/day\n/);
  const list = await place.run(["keys", "list"]);
  assert.match(list.stdout, new RegExp(`^ID +NAME +STATUS .*\\n${id} +shop +active +web `));
  assert.ok(!list.stdout.includes(secret));
  await place.run(["keys", "update", id, "--models", "none", "--parallel", "4"]);
  const { key } = await place.json<{ readonly key: Key }>(["keys", "show", id]);
  assert.equal(key.models, undefined);
  assert.deepEqual(key.limits, {
    budgets: [
      { amountUsd: 20, per: "month" },
      { tokens: 500_000, per: "day" },
    ],
    parallel: 4,
  });
  const rotated = await place.run(["keys", "rotate", id, "--grace", "1h"]);
  assert.match(rotated.stdout, /^secret +tk_[\s\S]*The old secret is good until \d{4}-/);
  assert.equal(await ask(secret), 200);
  assert.match((await place.run(["keys", "revoke", id])).stdout, new RegExp(`^revoked {2}shop \\(${id}\\)\\n$`));
  assert.equal(await ask(secret), 401);
});

test("what a key spent is told by whatever is asked, as a table, as JSON and as CSV that no spreadsheet calculates", async () => {
  const { secret, key } = await place.json<{ readonly secret: string; readonly key: Key }>(["keys", "create", "spender", "--team", "ops"]);
  assert.equal(await ask(secret), 200);
  let rows: readonly { readonly key: string; readonly requests: number; readonly inputTokens: number }[] = [];
  while (!rows.some((row) => row.key === key.id)) ({ rows } = await place.json<{ readonly rows: typeof rows }>(["spend"]));
  assert.match(
    (await place.run(["spend"])).stdout,
    /KEY +REQUESTS +INPUT +OUTPUT +COST +NOTES\n[\s\S]*spender +1 +\d+ +\d+ +\$0\.0000 +1 without a price/,
  );
  const csv = await place.run(["spend", "--by", "team,model", "--csv"]);
  assert.match(
    csv.stdout,
    /^team,model,requests,inputTokens,outputTokens,cacheReadTokens,cacheWriteTokens,reasoningTokens,costUsd,estimated,unpriced\r\n/,
  );
  assert.match(csv.stdout, /ops,'=model,1,\d+,\d+,0,0,0,0,0,1\r\n/);
  assert.match(
    (await place.run(["spend", "--from", "2001-01-01", "--to", "2001-01-02"])).stdout,
    /^Nothing was spent from 2001-01-01 to 2001-01-02\.\n$/,
  );
});

test("mistakes are told", async () => {
  for (const [args, message] of [
    [["keys", "create", "x", "--budget", "lots"], /wanted --budget such as "5\/day"/],
    [["keys", "create", "x", "--parallel", "0"], /Wanted a whole number of at least 1/],
    [["keys", "show", "nobody"], /wanted a key, got "nobody", which is none/],
    [["spend", "--by", "colour"], /Wanted one or more of key, user, team, model, provider, workflow, day/],
    [["spend", "--from", "yesterday"], /wanted from to be a day as in 2026-11-21/],
  ] as const) {
    const failed = await place.run([...args]);
    assert.notEqual(failed.code, 0, args.join(" "));
    assert.match(failed.stderr, message);
  }
});

async function ask(secret: string): Promise<number> {
  const response = await fetch(new URL("/v1/chat/completions", url), {
    method: "POST",
    headers: { authorization: `Bearer ${secret}`, "content-type": "application/json" },
    body: JSON.stringify({ model: "=model", messages: [{ role: "user", content: "one two" }] }),
  });
  await response.text();
  return response.status;
}

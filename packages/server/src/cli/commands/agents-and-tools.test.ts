import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openWorkplace, type Workplace } from "../testing/tutti-process.ts";

let place: Workplace;

before(async () => {
  const shop = {
    openapi: "3.0.0",
    info: { title: "Shop" },
    servers: [{ url: "https://shop.example" }],
    paths: { "/pets": { get: { operationId: "listPets", summary: "Lists pets" } } },
  };
  place = await openWorkplace({
    "shop.json": JSON.stringify(shop),
    "letter.txt": "summarize: It rained. The harvest failed because it rained for weeks. People left.",
  });
});

after(() => place[Symbol.asyncDispose]());

test("agents and tools are listed", async () => {
  assert.match((await place.run(["agents"])).stdout, /^AGENT +MODEL +TOOLS +DESCRIPTION\nholly +default +safe_calc, /);
  assert.match((await place.run(["tools"])).stdout, /^TOOL +EFFECT +SOURCE +POLICY +DESCRIPTION\n[^]*safe_calc +read +built-in +allow +/);
  const { tools } = await place.json<{ readonly tools: readonly { readonly name: string }[] }>(["tools", "list"]);
  assert.ok(tools.some(({ name }) => name === "echo"));
});

test("a tool is called with input from an argument, a file or stdin", async () => {
  const fromStdin = await place.json<{ readonly output: { readonly result: string } }>(["tools", "call", "safe_calc", "--input", "-"], {
    stdin: '{"expression": "0.1 + 0.2"}',
  });
  assert.equal(fromStdin.output.result, "0.3");
  const wrong = await place.run(["tools", "call", "safe_calc", "--input", '{"expression": "1 +"}']);
  assert.match(wrong.stderr, /^tutti: .*\[invalid_input\]\n$/);
  assert.equal(wrong.code, 1);
});

test("a command speaks of commands, where the server speaks of routes", async () => {
  const unknown = await place.run(["tools", "call", "zzzzzz"]);
  assert.equal(unknown.stderr, 'tutti: wanted a tool, got "zzzzzz", which is none; `tutti tools` lists them [not_found]\n');
});

test("a moment that is none is a mistake in the command", async () => {
  const wrong = await place.run(["policy", "explain", "--tool", "echo", "--at", "yesterday"]);
  assert.deepEqual([wrong.code, wrong.stdout], [2, ""]);
  assert.match(wrong.stderr, /^tutti: --at must be a moment in ISO 8601 such as .*, got yesterday/);
});

test("a tool is shown with what it takes and gives, and called with parts of its input", async () => {
  const shown = await place.run(["tools", "show", "safe_calc"]);
  assert.match(
    shown.stdout,
    /^safe_calc {2}read, idempotent, from built-in\n[^]*takes\n[^]*gives\n[^]*example\n\{"expression":"0.1 \+ 0.2"\}/,
  );
  const { output } = await place.json<{ readonly output: { readonly text: string } }>(["tools", "call", "echo", "--set", "text=hello=you"]);
  assert.equal(output.text, "hello=you");
  assert.match((await place.run(["tools", "show", "safe_calk"])).stderr, /did you mean "safe_calc"/);
});

test("tools are tested with their examples", async () => {
  const { stdout, code } = await place.run(["tools", "test"]);
  assert.match(stdout, /safe_calc +1 +passed/);
  assert.match(stdout, /web_fetch +1 +skipped/);
  assert.equal(code, 0);
});

test("an API's description is looked at, imported and taken away", async () => {
  const dry = await place.run(["tools", "import", "shop.json", "--dry-run"]);
  assert.match(dry.stdout, /^Shop at https:\/\/shop\.example\/\n[^]*listPets +read/);
  assert.match((await place.run(["tools", "imports"])).stdout, /^No API is imported/);
  const made = await place.run(["tools", "import", "shop.json", "--auth", "key=shop", "--pick", "path:/pets*"]);
  assert.match(made.stderr, /TUTTI_TOOLS_ALLOW=shop_listPets/);
  assert.match((await place.run(["tools", "list", "--source", "openapi:shop"])).stdout, /shop_listPets +read +openapi:shop +deny/);
  assert.equal((await place.run(["tools", "remove", "shop"])).code, 0);
  assert.match((await place.run(["tools", "list", "--source", "openapi:shop"])).stdout, /^No tool fits/);
});

test("an agent answers a message, and what is piped in", async () => {
  const said = await place.run(["chat", "holly", "What", "is", "12 * 7?"]);
  assert.match(said.stdout, /^12 \* 7 = 84\n— rule calc with safe_calc: .*, run [0-9a-f-]{36}\n$/);
  const piped = await place.json<{ readonly reply: { readonly content: string }; readonly runId: string }>(["chat", "holly"], {
    stdin: "what is 2^10?",
  });
  assert.equal(piped.reply.content, "2^10 = 1024");
});

test("an agent that is not there is told before anything is said to it", async () => {
  const { stderr, code } = await place.run(["chat", "nobody", "hello"]);
  assert.match(stderr, /^tutti: wanted an agent, got "nobody".*\[not_found\]\n$/);
  assert.equal(code, 1);
});

test("a conversation goes on over many messages, until it is ended", async () => {
  const { stdout, stderr, code } = await place.run(["chat", "holly", "--interactive"], {
    stdin: "what is 6*7?\n/help\n\nwhat is 1/0?\n/reset\necho good bye\n/exit\nnot said\n",
  });
  assert.match(stdout, /6\*7 = 42\n— rule calc [^]*\/reset {2}forget[^]*division by zero[^]*forgotten\n[^]*good bye\n— rule echo /);
  assert.doesNotMatch(stdout, /not said/);
  assert.match(stderr, /^Talking to holly\. \/help lists commands, \/exit ends\.\n$/);
  assert.equal(code, 0);
});

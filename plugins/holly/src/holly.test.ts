import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { openApp, type Json } from "tutti";
import { plugin } from "./index.ts";

let dataDir = "";
let app: Awaited<ReturnType<typeof openApp>>;

before(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "tutti-holly-"));
  app = await openApp({ dataDir, plugins: [plugin] });
});

after(async () => {
  await app[Symbol.asyncDispose]();
  await rm(dataDir, { recursive: true });
});

interface Answer {
  readonly content: string;
  readonly rule: string | undefined;
}

async function ask(message: string): Promise<Answer> {
  const { output } = await app.run("holly", { message });
  const { reply, route } = output as { readonly reply: { readonly content: string }; readonly route: { readonly [key: string]: Json } };
  return { content: reply.content, rule: route["rule"] as string | undefined };
}

/** What Holly says to each message, all of them by one rule. */
async function answersBy(rule: string, messages: readonly string[]): Promise<Record<string, string>> {
  const answers: Record<string, string> = {};
  for (const message of messages) {
    const answer = await ask(message);
    assert.equal(answer.rule, rule, `"${message}" went by ${String(answer.rule)}: ${answer.content}`);
    answers[message] = answer.content;
  }
  return answers;
}

test("arithmetic is calculated, however it is asked", async () => {
  const wanted: Record<string, string> = {
    "what is 12*(3+4)?": "12*(3+4) = 84",
    "What's 15% of 240?": "15% of 240 = 36",
    "What’s 15 percent of 240": "15 percent of 240 = 36",
    "15% of 240": "15% of 240 = 36",
    "hi holly, what is 2 + 2?": "2 + 2 = 4",
    "Holly: calculate 0.1 + 0.2": "0.1 + 0.2 = 0.3",
    "compute: (1+2)^3": "(1+2)^3 = 27",
    "how much is 6 times 7?": "6 times 7 = 42",
    "10 divided by 4 =": "10 divided by 4 = 2.5",
    "= 3-5": "3-5 = -2",
    "-3 + 5": "-3 + 5 = 2",
    "2^10": "2^10 = 1024",
    "7 mod 3": "7 mod 3 = 1",
    "100 / 7": "100 / 7 ≈ 14.2857142857143",
    "20/6.": "20/6 = 10/3 ≈ 3.33333333333333",
    "sqrt(2)": "sqrt(2) ≈ 1.4142135623731",
    "what is max(3, 1+1, sqrt(16))!": "max(3, 1+1, sqrt(16)) = 4",
    "pi * 2": "pi * 2 ≈ 6.28318530717959",
    "2 × 3 ÷ 4": "2 × 3 ÷ 4 = 1.5",
    "50%": "50% = 0.5",
  };
  assert.deepEqual(await answersBy("calc", Object.keys(wanted)), wanted);
});

test("arithmetic that cannot be done is answered with the reason", async () => {
  assert.deepEqual(await answersBy("calc", ["what is 1/0?", "1,000 + 1", "median(1, 2) + 1"]), {
    "what is 1/0?": "I tried safe_calc, and it did not work: division by zero, at position 2",
    "1,000 + 1": 'I tried safe_calc, and it did not work: wanted an operator at position 2, got ","; write 1000, not 1,000',
    "median(1, 2) + 1":
      'I tried safe_calc, and it did not work: wanted one of pi, e, abs, floor, ceil, round, min, max, sum, avg, sqrt, ln, log10, log2, exp, sin, cos, tan at position 1, got "median"',
  });
});

test("what is asked to be repeated is repeated", async () => {
  assert.deepEqual(
    await answersBy("echo", ["echo hello", "Echo: a\nb", "say good morning", "Please repeat after me: I can do it", "echo 2+2"]),
    {
      "echo hello": "hello",
      "Echo: a\nb": "a\nb",
      "say good morning": "good morning",
      "Please repeat after me: I can do it": "I can do it",
      "echo 2+2": "2+2",
    },
  );
});

test("a text that comes along is summarized in its own sentences", async () => {
  const text = "Runs leave receipts. The soup was cold. Receipts of runs can be verified. Runs and receipts belong together. It rained.";
  for (const words of ["summarize: ", "Summarise this text:\n", "tl;dr ", "TLDR: ", "please summarize the following: ", "sum up "]) {
    const [content] = Object.values(await answersBy("summarize", [words + text]));
    assert.equal(content?.split(". ").length, 3);
    for (const sentence of content?.split(/(?<=\.) /) ?? []) assert.ok(text.includes(sentence));
  }
});

test("a greeting or a call for help is told what works, and that there is no model", async () => {
  for (const content of Object.values(
    await answersBy("help", ["Hello, Holly", "hi", "Good morning!", "help", "What can you do?", "who are you?", "  ", "hey there holly"]),
  )) {
    assert.match(content, /^Hello, I am Holly\. No model is configured/);
    assert.match(content, /TUTTI_MODEL_BASE_URL/);
  }
});

test("anything else is not answered at all, but told how to add a model", async () => {
  const messages = [
    "Who wrote Faust?",
    "what is love?",
    "What is 42?",
    "I have 2 apples and 3 pears",
    "call me at +49 30 123456",
    "1, 2, 3",
    "hello, can you help me write a letter?",
    "what do you say?",
    "sayonara",
    "echolocation is amazing",
    "summarize",
    "summarize the news",
    "can you summarize texts?",
    "say",
    "12 monkeys - a film",
  ];
  for (const message of messages) {
    const { content, rule } = await ask(message);
    assert.equal(rule, undefined, `"${message}" went by ${String(rule)}: ${content}`);
    assert.match(content, /^No model is configured, so I cannot answer that\./);
  }
});

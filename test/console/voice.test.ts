import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { AgentSpec, Plugin } from "@tutti/core";
import type { Route } from "playwright-core";
import { MEDIA_API_KEY, startMediaUpstream, type MediaUpstream } from "../../packages/server/src/testing/media-upstream.ts";
import { startOpenAiUpstream, type OpenAiUpstream } from "../../packages/server/src/testing/openai-upstream.ts";
import { openConsole, violations, type ConsolePage, type TestConsole } from "./console.ts";

const clerk: AgentSpec = {
  name: "clerk",
  version: "1",
  description: "Says things.",
  instructions: "You are the clerk.",
  model: "chat/test-model",
  tools: [],
  starters: [],
  routes: [],
  limits: { stepsMax: 4, historyMessagesMax: 20 },
};
const house: Plugin = { name: "house", agents: [clerk] };

let chat: OpenAiUpstream;
let media: MediaUpstream;
let tutti: TestConsole;
before(async () => {
  chat = await startOpenAiUpstream(() => ({ type: "text", pieces: ["**Bold** words. ", "And more."] }));
  media = await startMediaUpstream();
  tutti = await openConsole({
    inlinePlugins: [house],
    providers: [
      { name: "chat", baseUrl: chat.baseUrl, models: ["test-model"], surfaces: ["chat/completions"] },
      {
        name: "media",
        baseUrl: media.baseUrl,
        apiKey: MEDIA_API_KEY,
        models: ["whisper-1", "tts-1", "gpt-4o-mini-tts"],
        surfaces: ["audio/transcriptions", "audio/speech"],
      },
    ],
  });
});
after(async () => {
  await tutti[Symbol.asyncDispose]();
  await media[Symbol.asyncDispose]();
  await chat[Symbol.asyncDispose]();
});

const callsTo = (path: string): readonly MediaUpstream["calls"][number][] => media.calls.filter((call) => call.path === path);
const spoken = (): readonly unknown[] => callsTo("/v1/audio/speech").map(({ received }) => JSON.parse(received.toString("utf8")));

async function withMicrophone(path: string): Promise<ConsolePage> {
  return tutti.open(path, { permissions: ["microphone"] });
}

/** Begins to have something read, and sees the page say so: what is spoken is held back until then, because it is short. */
async function seeReading(page: ConsolePage, begin: () => Promise<void>): Promise<void> {
  const seen = Promise.withResolvers<undefined>();
  const speak = async (route: Route): Promise<void> => {
    await seen.promise;
    await route.continue();
  };
  await page.route("**/v1/audio/speech", speak, { times: 1 });
  await begin();
  await page.getByRole("button", { name: "Stop reading" }).waitFor();
  seen.resolve(undefined);
}

async function ask(page: ConsolePage, question: string): Promise<void> {
  await page.getByLabel("Message to clerk").fill(question);
  await page.keyboard.press("Enter");
}

test("what is said into the microphone is written down into the message, after what stood there", async () => {
  const page = await withMicrophone("/agents/clerk");
  await page.getByLabel("Message to clerk").fill("Please:");
  await page.getByRole("button", { name: "Dictate" }).click();
  const end = page.getByRole("button", { name: "End the dictation and write it down" });
  await page
    .getByRole("timer")
    .getByText(/^0:(?!00)/)
    .waitFor();
  assert.deepEqual(await violations(page), []);
  await end.click();
  await page.getByRole("button", { name: "Dictate" }).waitFor();
  assert.match(await page.getByLabel("Message to clerk").inputValue(), /^Please: transcribe of recording\.webm: /);
  const [call] = callsTo("/v1/audio/transcriptions");
  // What EBML, and so WebM, begins with (RFC 8794).
  assert.ok(call?.received.includes(Buffer.from([0x1a, 0x45, 0xdf, 0xa3])));
  assert.deepEqual(page.problems, []);
});

test("a dictation can be done with the keyboard alone, and thrown away", async () => {
  const before = callsTo("/v1/audio/transcriptions").length;
  const page = await withMicrophone("/agents/clerk");
  await page.getByRole("button", { name: "Dictate" }).focus();
  await page.keyboard.press("v");
  await page.getByRole("timer").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Dictate" }).waitFor();
  assert.equal(await page.getByLabel("Message to clerk").inputValue(), "");
  assert.equal(callsTo("/v1/audio/transcriptions").length, before);
});

test("a refused microphone is told by its code, with what to do", async () => {
  const page = await tutti.open("/agents/clerk", { permissions: [] });
  await page.getByRole("button", { name: "Dictate" }).click();
  await page
    .getByRole("region", { name: "Notifications" })
    .getByText(/wanted the microphone, got a refusal; allow it/)
    .waitFor();
  await page.getByRole("button", { name: "Dictate" }).waitFor();
});

test("an answer is read aloud without its marks, and each new one where somebody wants that", async () => {
  const page = await withMicrophone("/agents/clerk");
  await ask(page, "Hello");
  const read = page.getByRole("button", { name: "Read aloud" });
  await read.waitFor();
  assert.deepEqual(spoken(), []);
  await seeReading(page, () => read.click());
  // The stand-in's sound is short: the button comes back by itself.
  await read.waitFor();
  assert.deepEqual(spoken(), [{ model: "tts-1", voice: "alloy", input: "Bold words. And more.", response_format: "wav" }]);

  await page.goto(new URL("/admin/settings/voice", page.url()).href);
  await page.getByLabel("Reads aloud").selectOption("media/gpt-4o-mini-tts");
  await page.getByRole("textbox", { name: "Voice" }).fill("coral");
  await page.getByText("Read each new answer aloud").click();
  assert.deepEqual(await violations(page), []);
  const heard = page.waitForResponse("**/v1/audio/speech");
  await page.getByRole("button", { name: "Hear it" }).click();
  await heard;
  await page.locator("button[aria-busy=true]").waitFor({ state: "detached" });
  await page.goto(new URL("/admin/agents/clerk", page.url()).href);
  await seeReading(page, () => ask(page, "Again"));
  await read.waitFor();
  assert.deepEqual(
    spoken()
      .slice(1)
      .map((body) => (body as { readonly model: string; readonly voice: string; readonly input: string }).input),
    ["This is how answers sound.", "Bold words. And more."],
  );
  assert.equal((spoken().at(-1) as { readonly voice: string }).voice, "coral");
  assert.deepEqual(page.problems, []);
});

test("where no model hears or speaks, nothing of it is shown, and the settings say what to add", async () => {
  await using plain = await openConsole({
    inlinePlugins: [house],
    providers: [{ name: "chat", baseUrl: chat.baseUrl, models: ["test-model"], surfaces: ["chat/completions"] }],
  });
  const page = await plain.open("/agents/clerk");
  await ask(page, "Hello");
  await page.getByRole("button", { name: "Copy the answer" }).waitFor();
  assert.equal(await page.getByRole("button", { name: "Read aloud" }).count(), 0);
  assert.equal(await page.getByRole("button", { name: "Dictate" }).count(), 0);
  await page.goto(new URL("/admin/settings/voice", page.url()).href);
  await page.getByText("No model is known to hear or to speak").waitFor();
  assert.deepEqual(await violations(page), []);
});

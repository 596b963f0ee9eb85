import { AppError } from "@tutti/core";
import { collect, type ContentPart, type Media, type Usage } from "@tutti/core/model";
import { decodeGeminiAnswer } from "@tutti/core/wire";
import { ask } from "../ask.ts";
import type { Drawing, DrawingRequest, Speech, SpeechRequest } from "../requests.ts";
import type { Upstream } from "../upstream.ts";

/** Google gives sound as 16-bit samples, one channel, at this rate where it does not say another. */
const SAMPLES_PER_S = 24_000;
const BYTES_PER_SAMPLE = 2;
const PICTURES_MAX = 10;
/** Voices that OpenAI's clients ask for, which Google has none of by these names. */
const OPENAI_VOICES: ReadonlyMap<string, string> = new Map([
  ["alloy", "Kore"],
  ["ash", "Orus"],
  ["ballad", "Iapetus"],
  ["cedar", "Alnilam"],
  ["coral", "Leda"],
  ["echo", "Puck"],
  ["fable", "Algieba"],
  ["marin", "Callirrhoe"],
  ["nova", "Aoede"],
  ["onyx", "Charon"],
  ["sage", "Sulafat"],
  ["shimmer", "Zephyr"],
  ["verse", "Fenrir"],
]);
/** The shapes that Google draws. */
const RATIOS = ["1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9"];

/** Speaks a text, as WAV or as the samples alone; Google has no other formats. */
export async function speak(
  upstream: Upstream,
  { path, request }: { readonly path: string; readonly request: SpeechRequest },
  signal: AbortSignal,
): Promise<Speech> {
  const { text, voice, instructions, format = "wav" } = request;
  if (format !== "wav" && format !== "pcm")
    throw new AppError("unsupported", `wanted the format "wav" or "pcm", which Google's models speak in, got "${format}"`);
  const voiceName = OPENAI_VOICES.get(voice) ?? voice;
  const body = {
    contents: [{ role: "user", parts: [{ text: instructions === undefined ? text : `${instructions}:\n${text}` }] }],
    generationConfig: { responseModalities: ["AUDIO"], speechConfig: { voiceConfig: { prebuiltVoiceConfig: { voiceName } } } },
  };
  const { parts, usage } = await answerTo(upstream, { path, body }, signal);
  const sound = parts.find((part) => part.type === "audio");
  if (sound === undefined || !("data" in sound.media)) throw new AppError("upstream", "wanted sound from the model, got none; try again");
  const rate = Number(/rate=(\d+)/.exec(sound.media.mediaType)?.[1] ?? SAMPLES_PER_S);
  const samples = Buffer.from(sound.media.data, "base64");
  const pieces = format === "wav" ? [wavHead(samples.length, rate), samples] : [samples];
  return { mediaType: format === "wav" ? "audio/wav" : `audio/pcm;rate=${rate}`, audio: streamOf(pieces), usage };
}

/** Draws pictures, one call each. */
export async function draw(
  upstream: Upstream,
  { path, request }: { readonly path: string; readonly request: DrawingRequest },
  signal: AbortSignal,
): Promise<Drawing> {
  if (request.count > PICTURES_MAX) throw new AppError("invalid_input", `wanted at most ${PICTURES_MAX} pictures, got ${request.count}`);
  const aspectRatio = ratioOf(request.size);
  const generationConfig = { responseModalities: ["IMAGE"], ...(aspectRatio !== undefined && { imageConfig: { aspectRatio } }) };
  const body = { contents: [{ role: "user", parts: [{ text: request.prompt }] }], generationConfig };
  const answers = await Promise.all(Array.from({ length: request.count }, () => answerTo(upstream, { path, body }, signal)));
  const images = answers.flatMap(({ parts }) => parts.flatMap((part): readonly Media[] => (part.type === "image" ? [part.media] : [])));
  if (images.length === 0) throw new AppError("upstream", "wanted a picture from the model, got none; its filter may have held it back");
  return { images, usage: answers.map(({ usage }) => usage).reduce(sum) };
}

async function answerTo(
  upstream: Upstream,
  asked: { readonly path: string; readonly body: object },
  signal: AbortSignal,
): Promise<{ readonly parts: readonly ContentPart[]; readonly usage: Usage }> {
  const { parts = [], usage } = await collect(ask(upstream, { ...asked, decode: decodeGeminiAnswer }, signal));
  return { parts, usage };
}

function sum(one: Usage, other: Usage): Usage {
  return { inputTokens: one.inputTokens + other.inputTokens, outputTokens: one.outputTokens + other.outputTokens };
}

/** The shape nearest to "1024x1536"; Google decides the size. */
function ratioOf(size: string | undefined): string | undefined {
  const [, width, height] = /^(\d+)x(\d+)$/.exec(size ?? "") ?? [];
  if (width === undefined || height === undefined) return undefined;
  const wanted = Math.log(Number(width) / Number(height));
  const distance = (ratio: string): number => {
    const [across = 1, down = 1] = ratio.split(":").map(Number);
    return Math.abs(Math.log(across / down) - wanted);
  };
  return RATIOS.reduce((best, ratio) => (distance(ratio) < distance(best) ? ratio : best));
}

/** What stands before samples in a WAV file: RIFF, one channel of 16-bit PCM. */
function wavHead(bytes: number, samplesPerS: number): Buffer {
  const head = Buffer.alloc(44);
  head.write("RIFF", 0);
  head.writeUInt32LE(36 + bytes, 4);
  head.write("WAVEfmt ", 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(samplesPerS, 24);
  head.writeUInt32LE(samplesPerS * BYTES_PER_SAMPLE, 28);
  head.writeUInt16LE(BYTES_PER_SAMPLE, 32);
  head.writeUInt16LE(BYTES_PER_SAMPLE * 8, 34);
  head.write("data", 36);
  head.writeUInt32LE(bytes, 40);
  return head;
}

async function* streamOf(pieces: readonly Buffer[]): AsyncGenerator<Uint8Array, void, undefined> {
  yield* pieces;
}

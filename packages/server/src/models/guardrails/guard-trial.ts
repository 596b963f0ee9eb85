import assert from "node:assert/strict";
import { collect, type ModelPart, type ModelRequest } from "@tutti/core/model";
import { Guardrails, type GuardConfig, type GuardSession } from "./index.ts";

/** The call whose guards are tried. */
export const CALL = { model: "gpt-4o", tenant: "acme", tags: [] };

/** What an answer used. */
export const USAGE = { inputTokens: 10, outputTokens: 5 };

/** The guards of a call. */
export function session(...config: readonly GuardConfig[]): GuardSession {
  const guards = new Guardrails(config).session(CALL);
  assert.ok(guards);
  return guards;
}

/** A request of one turn. */
export function asks(content: string): ModelRequest {
  return { messages: [{ role: "user", content }] };
}

/** What the model is sent of a text. */
export function sent(guards: GuardSession, content: string): string {
  return guards.input(asks(content)).request.messages.at(-1)?.content ?? "";
}

/** An answer in these pieces. */
export async function* answer(pieces: readonly string[], reason: "stop" | "tool_calls" = "stop"): AsyncGenerator<ModelPart> {
  for (const text of pieces) yield { type: "text", text };
  yield { type: "finish", reason, usage: USAGE };
}

/** An answer of these parts. */
export async function* these(...parts: readonly ModelPart[]): AsyncGenerator<ModelPart> {
  yield* parts;
  yield { type: "finish", reason: "stop", usage: USAGE };
}

/** What the client gets of an answer in these pieces. */
export async function received(guards: GuardSession, pieces: readonly string[]): Promise<string> {
  return (await collect(guards.output(answer(pieces)))).content;
}

/** The parts of an answer. */
export async function all(parts: AsyncIterable<ModelPart>): Promise<readonly ModelPart[]> {
  return Array.fromAsync(parts);
}

/** A text cut at these places, given as fractions. */
export function cut(text: string, places: readonly number[]): readonly string[] {
  const at = places.map((place) => Math.floor(place * text.length)).toSorted((a, b) => a - b);
  return [0, ...at].map((start, index) => text.slice(start, at[index] ?? text.length));
}

/** A guard of secrets that replaces them. */
export const SECRETS: GuardConfig = { id: "secrets", check: "secrets", where: ["input", "output", "tool-result"], action: "redact" };
/** A guard of personal data that replaces it. */
export const PERSONAL: GuardConfig = { id: "people", check: "personal-data", where: ["input", "output", "tool-result"], action: "redact" };

/** Secrets, made up, and put together here so that nobody takes them for real ones that leaked. */
export const KEYS: readonly (readonly [what: string, secret: string])[] = [
  ["api key", `sk-${"proj-Ab3dEf6hIj9kLmN0pQrS7uVw"}`],
  ["api key", `sk_${"live_51HqLyjWDarjtT1zdp7dc9Ab"}`],
  ["github token", `ghp_${"16C7e42F292c6912E7710c838347Ae178B4a"}`],
  ["gitlab token", `glpat-${"x8Kz3Lm9Qw2Er5Ty7Ui1"}`],
  ["slack token", `xoxb-${"2048-1357924680-AbCdEfGhIjKl"}`],
  ["aws key", `AKIA${"IOSFODNN7EXAMPLE"}`],
  ["google key", `AIza${"SyA1b2C3d4E5f6G7h8I9j0KlMnOpQrStUvW"}`],
  ["jwt", `eyJ${"hbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJlX2hlcmU"}`],
  ["private key", `-----BEGIN RSA ${"PRIVATE KEY-----\nMIIEowIBAAKCAQEA7\nabc=\n-----END RSA PRIVATE KEY-----"}`],
  ["hugging face token", `hf_${"AbCdEfGhIjKlMnOpQrStUvWxYz012345"}`],
];

/** Personal data, made up or from the standards' own examples. */
export const PEOPLE: readonly (readonly [what: string, text: string])[] = [
  ["email", "ada.lovelace+news@mail.example.org"],
  ["iban", "DE89 3704 0044 0532 0130 00"],
  ["iban", "GB82WEST12345698765432"],
  ["card number", "4111 1111 1111 1111"],
  ["card number", "378282246310005"],
  ["phone number", "+49 30 901820"],
  ["phone number", "(415) 555-2671"],
  ["phone number", "+14155552671"],
  ["ip address", "203.0.113.7"],
  ["ip address", "2001:db8:85a3::8a2e:370:7334"],
  ["us social security number", "536-90-4399"],
  ["brazilian cpf", "529.982.247-25"],
  ["spanish id", "12345678Z"],
  ["italian tax code", "RSSMRA85T10A562S"],
  ["french social security number", "2 55 08 14 168 025 38"],
  ["chinese resident id", "11010519491231002X"],
  ["polish pesel", "44051401359"],
];

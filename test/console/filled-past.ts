/** What a Tutti would have kept from the days before: runs that ended, and what models cost. It is made from counters, so it is always the same. */
import type { EventBody, EventDraft, Json } from "@tutti/core";

const DAYS = 31;
const HOUR_MS = 3_600_000;
const OWNER = { id: "owner", tenant: "default", roles: ["owner"] };
/** Workflows and their steps, with the part of the time that each takes. */
const WORKFLOWS: readonly { readonly name: string; readonly steps: readonly (readonly [name: string, share: number])[] }[] = [
  {
    name: "nightly-report",
    steps: [
      ["load Milano", 0.34],
      ["convert currency", 0.06],
      ["fetch exchange rates", 0.31],
      ["write the table", 0.22],
    ],
  },
  { name: "triage-inbox", steps: [["rank", 0.2]] },
  {
    name: "refund",
    steps: [
      ["find the order", 0.3],
      ["pay back", 0.6],
    ],
  },
  { name: "order", steps: [["total", 0.4]] },
  {
    name: "export-file",
    steps: [
      ["write", 0.7],
      ["check", 0.2],
    ],
  },
];
const MODELS = [
  { model: "gpt-5", provider: "openai", usd: 0.021, tokens: 5200 },
  { model: "claude-opus-4-8", provider: "anthropic", usd: 0.034, tokens: 4100 },
  { model: "gemini-3-flash", provider: "gemini", usd: 0.002, tokens: 7800 },
  { model: "qwen3:14b", provider: "ollama", usd: 0, tokens: 6100 },
];
const USERS = ["mira", "jonas", "نور"];

/** Numbers from 0 to 1 that look thrown and never change. */
const thrown = (index: number): number => {
  const value = Math.sin(index * 12.9898) * 43_758.5453;
  return value - Math.floor(value);
};

/** The events of the past, by runs; what `keyIds` names spent. */
export function pastEvents(nowMs: number, keyIds: readonly string[]): readonly (readonly EventDraft[])[] {
  const runs: (readonly EventDraft[])[] = [];
  for (let hour = DAYS * 24; hour > 0; hour -= 1) {
    const beganMs = nowMs - hour * HOUR_MS;
    const hourOfDay = new Date(beganMs).getUTCHours();
    // Few at night, most in the afternoon.
    const load = 0.3 + Math.max(0, Math.sin(((hourOfDay - 6) / 24) * 2 * Math.PI));
    const isRecent = hour <= 26;
    for (let index = 0; index < Math.ceil(load * (isRecent ? 36 : 1)); index += 1)
      runs.push(pastRun(hour * 31 + index, beganMs + thrown(hour + index * 7) * HOUR_MS * 0.9));
    for (let index = 0; index < Math.ceil(load * 2); index += 1)
      runs.push([spent(hour * 17 + index, beganMs + thrown(hour * 3 + index) * HOUR_MS * 0.9, keyIds)]);
  }
  return runs;
}

function pastRun(seed: number, beganMs: number): readonly EventDraft[] {
  const { name: workflow, steps } = WORKFLOWS[Math.floor(thrown(seed) * WORKFLOWS.length)] ?? { name: "refund", steps: [] };
  const durationMs = Math.round(400 + thrown(seed + 1) * 9000);
  const hasFailed = thrown(seed + 2) < (workflow === "refund" ? 0.2 : 0.04);
  const input = { day: new Date(beganMs).toISOString().slice(0, 10) };
  const placedBodies: (readonly [EventBody, number])[] = [
    [{ type: "run.started", workflow, version: "1", input, principal: OWNER }, beganMs],
  ];
  let atMs = beganMs;
  for (const [index, [name, share]] of steps.entries()) {
    const stepMs = Math.round(durationMs * share * (0.7 + 0.3 * thrown(seed + index)));
    const startedAt = new Date(atMs).toISOString();
    atMs += stepMs;
    const output = { rows: Math.round(thrown(seed + 3) * 400) };
    placedBodies.push([
      { type: "step.completed", key: String(index), kind: "step", name, attempt: 1, startedAt, durationMs: stepMs, output },
      atMs,
    ]);
  }
  const end: EventBody = hasFailed
    ? { type: "run.failed", code: "upstream", message: "the payment provider answered 502" }
    : { type: "run.completed", output: { done: true } };
  return placed(seed, [...placedBodies, [end, beganMs + durationMs]]);
}

function spent(seed: number, atMs: number, keyIds: readonly string[]): EventDraft {
  const { model, provider, usd, tokens } = MODELS[Math.floor(thrown(seed) * MODELS.length)] ?? {
    model: "",
    provider: "",
    usd: 0,
    tokens: 0,
  };
  const keyId = keyIds[seed % Math.max(1, keyIds.length)];
  const inputTokens = Math.round(tokens * (0.5 + thrown(seed + 1)));
  const spend = {
    ...(keyId !== undefined && { keyId }),
    user: USERS[seed % USERS.length] ?? "",
    team: seed % 3 === 0 ? "support" : "buying",
    model,
    provider,
    usage: { inputTokens, outputTokens: Math.round(inputTokens / 6), cacheReadTokens: Math.round(inputTokens / 4) },
    costUsd: usd * (0.5 + thrown(seed + 1)),
    surface: "chat-completions",
  } as unknown as Json;
  const body: EventBody = {
    type: "run.recorded",
    workflow: "tutti.chat-completions",
    version: "1",
    action: { kind: "model.generate", principal: { ...OWNER, id: `key:${keyId ?? ""}` }, resource: model },
    decision: { effect: "allow", reason: "the key may use every model", rule: "tutti.keys" },
    policyHash: "0".repeat(64),
    key: "0",
    kind: "model",
    name: model,
    attempt: 1,
    startedAt: new Date(atMs).toISOString(),
    durationMs: Math.round(600 + thrown(seed + 4) * 3000),
    outcome: { ok: true, output: { spend } },
  };
  const [event] = placed(seed, [[body, atMs]]);
  return event as EventDraft;
}

/** The id of a run begins with its time, as the ids of all runs do. */
function placed(seed: number, bodies: readonly (readonly [EventBody, number])[]): readonly EventDraft[] {
  const ms = Math.round(bodies[0]?.[1] ?? 0)
    .toString(16)
    .padStart(12, "0");
  const rest = seed.toString(16).padStart(12, "0");
  const runId = `${ms.slice(0, 8)}-${ms.slice(8)}-7${rest.slice(-3)}-8000-${bodies.length}${rest.slice(1)}`;
  return bodies.map(([body, atMs], index) => ({ ...body, runId, seq: index + 1, at: new Date(atMs).toISOString() }));
}

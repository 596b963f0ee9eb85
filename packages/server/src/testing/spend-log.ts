import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EventDraft, Json } from "@tutti/core";
import type { Spend } from "../models/index.ts";
import { SqliteStore } from "../store/index.ts";

/** A store in a folder of its own, into whose log tests write what the gateway would. */
export interface SpendLog extends AsyncDisposable {
  readonly store: SqliteStore;
  /** Journals an exchange as the gateway does; resolves when it is durable. */
  journal(spend: Spend, at?: string): Promise<void>;
  /** Closes the store and opens it again. */
  reopen(): Promise<void>;
}

/** Opens one. */
export async function openSpendLog(): Promise<SpendLog> {
  const folder = await mkdtemp(join(tmpdir(), "tutti-spend-"));
  let store = await SqliteStore.open(folder);
  return {
    get store() {
      return store;
    },
    journal: (spend, at = new Date().toISOString()) => store.append([recorded(spend, at)]),
    async reopen() {
      await store.close();
      store = await SqliteStore.open(folder);
    },
    async [Symbol.asyncDispose]() {
      await store.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function recorded(spend: Spend, at: string): EventDraft {
  const principal = { id: `key:${spend.keyId ?? ""}`, tenant: "default", roles: ["model-user"] };
  return {
    runId: randomUUID(),
    seq: 1,
    at,
    type: "run.recorded",
    workflow: "tutti.chat-completions",
    version: "1",
    action: { kind: "model.generate", principal, resource: spend.model },
    decision: { effect: "allow", reason: "a test", rule: "test" },
    policyHash: "0".repeat(64),
    key: "0",
    kind: "model",
    name: spend.model,
    attempt: 1,
    startedAt: at,
    durationMs: 1,
    outcome: { ok: true, output: { spend: spend as unknown as Json } },
  };
}

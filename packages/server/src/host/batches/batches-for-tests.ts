import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AppError, type Engine, type Principal, type Workflow } from "@tutti/core";
import { EmbeddedEngine } from "../../engine/index.ts";
import { SqliteStore } from "../../store/index.ts";
import type { AskBatchLine } from "./batch-workflow.ts";
import { Batches, isUnderWay, type Batch } from "./batches.ts";
import { Files } from "./files.ts";

/** Who does everything in these tests. */
export const owner: Principal = { id: "owner", tenant: "default", roles: ["owner"] };

/** Batches over a data folder of their own. */
export interface BatchBench extends AsyncDisposable {
  readonly engine: Engine;
  readonly batches: Batches;
  readonly files: Files;
  /** Uploads requests, one for each body. */
  upload(lines: readonly string[]): Promise<string>;
  /** The batch once it has ended. */
  ended(id: string): Promise<Batch>;
  /** A file's lines, parsed. */
  lines(id: string | null): Promise<readonly OutputLine[]>;
}

/** A line of an output or an error file. */
interface OutputLine {
  readonly custom_id: string;
  readonly response: { readonly status_code: number; readonly body: unknown } | null;
  readonly error: { readonly code: string } | null;
}

/** A request of a batch. */
export function requestLine(id: string, body: object = {}, url = "/v1/chat/completions"): string {
  return JSON.stringify({ custom_id: id, method: "POST", url, body: { model: "m", ...body } });
}

/** The `name` that a request of these tests has in its body. */
export function nameIn(body: { readonly [key: string]: unknown }): string {
  return typeof body["name"] === "string" ? body["name"] : "";
}

/** Opens a bench; its folder is removed at the end unless it was given. */
export async function openBatches(ask: AskBatchLine, given?: string): Promise<BatchBench> {
  const dataDir = given ?? (await mkdtemp(join(tmpdir(), "tutti-batches-")));
  const store = await SqliteStore.open(dataDir);
  const files = new Files(join(dataDir, "files"));
  const allow = { effect: "allow", reason: "a test", rule: "test" } as const;
  const batches = new Batches({ files, store, engine: () => engine, decide: () => allow });
  batches.askThrough(ask);
  const engine: EmbeddedEngine = new EmbeddedEngine({
    store,
    runsActiveMax: 100,
    parts: {
      workflow: (name) => (name === batches.workflow.name ? (batches.workflow as Workflow) : undefined),
      tool: () => undefined,
      model: () => undefined,
      decide: () => allow,
      policyHash: () => "0".repeat(64),
    },
  });
  return {
    engine,
    batches,
    files,
    upload: async (lines) => (await files.put("default", { name: "in.jsonl", purpose: "batch" }, [lines.join("\n")])).id,
    async ended(id) {
      for (;;) {
        const happened = Promise.withResolvers<void>();
        using _ = engine.subscribe(({ type }) => type.startsWith("run.") && happened.resolve());
        const batch = await batches.get(id, owner);
        if (!isUnderWay(batch)) return batch;
        await happened.promise;
      }
    },
    async lines(id) {
      if (id === null) return [];
      await using file = await files.open("default", id);
      return (await file.readFile("utf8"))
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line) as OutputLine);
    },
    async [Symbol.asyncDispose]() {
      await engine.stop(1_000);
      await store.close();
      if (given === undefined) await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** Resolves when the signal aborts, with its reason thrown. */
export function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(AppError.from(signal.reason)), { once: true });
  });
}

import { createHash } from "node:crypto";
import type { Store } from "@tutti/core";
import { z } from "zod";
import type { LoadedPolicy } from "./read-policy.ts";

/** Entries that share a setting: the oldest of them goes first. */
const BUCKET_ENTRIES = 8;
const NAME = "router.kept.";

const keptSchema = z.object({
  key: z.string(),
  rule: z.string(),
  confidence: z.number(),
  gap: z.number(),
  by: z.string(),
  untilMs: z.number(),
});
const bucketSchema = z.array(keptSchema);

/** Which rule a text was routed by, how surely, and who decided. */
export type KeptDecision = Omit<z.infer<typeof keptSchema>, "key" | "untilMs">;

/** What a decision is kept for: it is a tenant's own, and goes with the policy. */
export interface KeptFor {
  readonly text: string;
  readonly tenant: string;
  readonly policy: LoadedPolicy;
}

/**
 * Decisions in the store, so that a restart does not forget them and every node knows them. A fixed number of settings holds them all: a text's
 * hash names its own. Of two nodes that write the same one at once, one decision is lost, which is then made again.
 */
export class KeptDecisions {
  readonly #store: Pick<Store, "getSetting" | "setSetting">;

  constructor(store: Pick<Store, "getSetting" | "setSetting">) {
    this.#store = store;
  }

  async recall(wanted: KeptFor): Promise<KeptDecision | undefined> {
    if (wanted.policy.cache.entriesMax === 0) return undefined;
    const key = keyOf(wanted);
    const bucket = await this.#read(nameOf(key, wanted.policy));
    return bucket.find((kept) => kept.key === key && kept.untilMs > Date.now());
  }

  async keep(wanted: KeptFor, decision: KeptDecision): Promise<void> {
    const { entriesMax, ttlMs } = wanted.policy.cache;
    if (entriesMax === 0) return;
    const key = keyOf(wanted);
    const name = nameOf(key, wanted.policy);
    const now = Date.now();
    const others = (await this.#read(name)).filter((kept) => kept.key !== key && kept.untilMs > now);
    const bucket = [{ ...decision, key, untilMs: now + ttlMs }, ...others];
    await this.#store.setSetting(name, bucket.slice(0, Math.min(BUCKET_ENTRIES, entriesMax)));
  }

  /** What an earlier version wrote otherwise is as good as nothing. */
  async #read(name: string): Promise<z.infer<typeof bucketSchema>> {
    return bucketSchema.catch([]).parse((await this.#store.getSetting(name)) ?? []);
  }
}

/** Texts that differ in case and white space only are the same text. */
function keyOf({ text, tenant, policy }: KeptFor): string {
  const normal = text.normalize("NFC").trim().replaceAll(/\s+/g, " ").toLowerCase();
  return createHash("sha256")
    .update(JSON.stringify([policy.hash, tenant, normal]))
    .digest("hex");
}

function nameOf(key: string, { cache }: LoadedPolicy): string {
  const buckets = Math.max(1, Math.floor(cache.entriesMax / BUCKET_ENTRIES));
  return `${NAME}${Number.parseInt(key.slice(0, 8), 16) % buckets}`;
}

/** How a part of Tutti is. "off" is no fault: it is not configured. */
export interface ComponentHealth {
  readonly name: string;
  readonly status: "ok" | "off" | "degraded" | "down";
  /** Since when it has been so, as far as this process knows. ISO 8601. */
  readonly since: string;
  readonly reason: string;
  /** What to do about it; `null` when there is nothing to do. */
  readonly todo: string | null;
}

/** What was found of a part. `since` is left out where nobody keeps it. */
export interface Finding extends Omit<ComponentHealth, "since"> {
  readonly since?: string;
}

const RANK = { ok: 0, off: 0, degraded: 1, down: 2 } as const;
const GIBIBYTE = 2 ** 30;
const FREE_BYTES_LOW = GIBIBYTE;
const FREE_BYTES_MIN = GIBIBYTE / 10;

/** Remembers since when each part has been as it is. */
export class HealthWatch {
  readonly #known = new Map<string, { readonly status: string; readonly since: string }>();
  readonly #startedAt: string;

  constructor(startedAtMs: number) {
    this.#startedAt = new Date(startedAtMs).toISOString();
  }

  /** The findings with their beginnings, the worst first. Parts that are not among them are forgotten. */
  look(findings: readonly Finding[], nowMs: number): readonly ComponentHealth[] {
    const components = findings.map((finding) => ({ ...finding, since: finding.since ?? this.#sinceOf(finding, nowMs) }));
    this.#known.clear();
    for (const { name, status, since } of components) this.#known.set(name, { status, since });
    return components.toSorted((a, b) => RANK[b.status] - RANK[a.status]);
  }

  #sinceOf({ name, status }: Finding, nowMs: number): string {
    const known = this.#known.get(name);
    if (known?.status === status) return known.since;
    // What is well at the first look has been well since the start, as far as anybody knows.
    return known === undefined && RANK[status] === 0 ? this.#startedAt : new Date(nowMs).toISOString();
  }
}

/** How the whole is: as its worst part. Pure. */
export function worstOf(components: readonly Pick<ComponentHealth, "status">[]): "ok" | "degraded" | "down" {
  if (components.some(({ status }) => status === "down")) return "down";
  return components.some(({ status }) => status === "degraded") ? "degraded" : "ok";
}

/** How the disk of a folder is. Pure. */
export function diskFinding({ freeBytes, sizeBytes }: { readonly freeBytes: number; readonly sizeBytes: number }): Finding {
  const free = `${(freeBytes / GIBIBYTE).toFixed(1)} of ${(sizeBytes / GIBIBYTE).toFixed(1)} GiB are free`;
  const todo = "make room on the disk of the data folder, or move the folder to a larger one";
  if (freeBytes < FREE_BYTES_MIN) return { name: "disk", status: "down", reason: free, todo };
  if (freeBytes < FREE_BYTES_LOW) return { name: "disk", status: "degraded", reason: free, todo };
  return { name: "disk", status: "ok", reason: free, todo: null };
}

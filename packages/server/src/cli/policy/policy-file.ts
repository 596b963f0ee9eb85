import type { PolicyFile } from "@tutti/client";
import { UsageError } from "../shell.ts";

/** A policy's files from a path: one file, or the YAML files of a folder. */
export async function readPolicyArgument(path: string): Promise<readonly PolicyFile[]> {
  const { readPolicyFiles } = await import("../../host/index.ts");
  return readPolicyFiles(path).catch((error: unknown) => {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  });
}

/** A moment that is written out, for `--at`. */
export function momentOf(text: string): string {
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw new UsageError(`--at must be a moment in ISO 8601 such as 2026-05-01T09:00:00Z, got ${text}`);
  return new Date(ms).toISOString();
}

const UNIT_MS = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

/** A moment from "7d" ago, "36h" ago, or one that is written out. */
export function sinceOf(text: string): string {
  const [, count = "", unit = ""] = /^(\d{1,6})([mhdw])$/.exec(text) ?? [];
  if (unit in UNIT_MS) return new Date(Date.now() - Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS]).toISOString();
  const ms = Date.parse(text);
  if (Number.isNaN(ms))
    throw new UsageError(`--since must be a time ago such as 7d, 36h or 30m, or a moment such as 2026-05-01, got ${text}`);
  return new Date(ms).toISOString();
}

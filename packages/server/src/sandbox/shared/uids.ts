import { spawn } from "node:child_process";
import { once } from "node:events";

/** Far above the numbers that systems give to people and services. */
const FIRST = 2_000_000_000;
/** For containers whose numbers end at 65,535. */
const FIRST_SMALL = 32_000;
const COUNT = 16_384;

/** Hands out a number to each program, so that no two share files or may signal each other. Only root can. */
export interface Uids {
  next(): number;
  /** Always the same for the same seed, and never one that `next` gives. */
  of(seed: number): number;
}

/** `undefined` when this process may not give its children other numbers. */
export async function openUids(): Promise<Uids | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  for (const first of [FIRST, FIRST_SMALL]) {
    if (!(await canBecome(first))) continue;
    // Two processes of Tutti begin at different places.
    let offset = (process.pid * 257) % COUNT;
    return {
      next() {
        offset = (offset + 1) % COUNT;
        return first + offset;
      },
      of: (seed) => first + COUNT + (seed % COUNT),
    };
  }
  return undefined;
}

async function canBecome(uid: number): Promise<boolean> {
  const child = spawn("/bin/true", { uid, gid: uid, stdio: "ignore", env: {} });
  const [code] = (await once(child, "exit").catch(() => [1])) as readonly unknown[];
  return code === 0;
}

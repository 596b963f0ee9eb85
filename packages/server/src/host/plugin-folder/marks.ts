import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Tutti ended so often in a row while a plugin was loaded or called: it is not loaded by itself any more. */
export const DEATHS_MAX = 2;
/** Ends that lie further apart are not in a row. */
const IN_A_ROW_MS = 60_000;
const UNDER_WAY = ".under-way";
const DEATHS = ".deaths";

/**
 * Which plugins are being loaded or called, written down before it happens, so that the next start knows which ones were when Tutti ended
 * under them. A file outlives its writer's end without being forced to the disk, so a mark costs next to nothing.
 */
export class Marks {
  readonly #dir: string;
  readonly #underWay = new Map<string, number>();
  readonly #deaths = new Map<string, number>();
  readonly #openedAtMs = performance.now();

  constructor(dir: string) {
    this.#dir = dir;
    mkdirSync(dir, { recursive: true });
    const files = readdirSync(dir);
    for (const file of files) if (file.endsWith(DEATHS)) this.#deaths.set(file.slice(0, -DEATHS.length), this.#numberIn(file));
    for (const file of files) if (file.endsWith(UNDER_WAY)) this.#found(file);
  }

  /** Whether Tutti ended too often while this plugin was loaded or called. */
  isHeld(name: string): boolean {
    return (this.#deaths.get(name) ?? 0) >= DEATHS_MAX;
  }

  /** Does something with a plugin under a mark. */
  async during<T>(name: string, work: () => Promise<T>): Promise<T> {
    const count = this.#underWay.get(name) ?? 0;
    this.#underWay.set(name, count + 1);
    if (count === 0) writeFileSync(join(this.#dir, name + UNDER_WAY), String(process.pid));
    try {
      return await work();
    } finally {
      this.#ended(name);
    }
  }

  /** Begins anew with a plugin. */
  forgive(name: string): void {
    if (this.#deaths.delete(name)) rmSync(join(this.#dir, name + DEATHS), { force: true });
  }

  /** Tutti ends well: what was counted so far was not in a row, except of what is held. */
  close(): void {
    for (const name of this.#deaths.keys()) if (!this.isHeld(name)) this.forgive(name);
  }

  #ended(name: string): void {
    const left = (this.#underWay.get(name) ?? 1) - 1;
    this.#underWay.set(name, left);
    if (left > 0) return;
    this.#underWay.delete(name);
    rmSync(join(this.#dir, name + UNDER_WAY), { force: true });
    if (!this.isHeld(name) && performance.now() - this.#openedAtMs > IN_A_ROW_MS) this.forgive(name);
  }

  #found(file: string): void {
    const writer = this.#numberIn(file);
    // Another Tutti over the same folder is at work; a number like our own is of an earlier life, as in containers.
    if (writer !== process.pid && isAlive(writer)) return;
    const name = file.slice(0, -UNDER_WAY.length);
    const deaths = (this.#deaths.get(name) ?? 0) + 1;
    this.#deaths.set(name, deaths);
    writeFileSync(join(this.#dir, name + DEATHS), String(deaths));
    rmSync(join(this.#dir, file), { force: true });
  }

  #numberIn(file: string): number {
    return Number.parseInt(readFileSync(join(this.#dir, file), "utf8"), 10) || 0;
  }
}

function isAlive(pid: number): boolean {
  if (pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

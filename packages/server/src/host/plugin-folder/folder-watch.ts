import { watch, type FSWatcher } from "node:fs";
import { mkdir } from "node:fs/promises";

/** A folder is looked at once nothing has changed in it for so long. */
const SETTLE_MS = 250;
/** The system does not tell of every file that is written in place, so the folder is looked at so often all the same; only stamps are read. */
const LOOK_MS = 2_000;
/** Looks take at most this share of the time, however many files there are. */
const LOOK_SHARE = 0.05;
/** Looks at a folder that is being written, one after the other; the next change begins anew. */
const UNSETTLED_LOOKS_MAX = 40;

/** Says when a folder is to be looked at: when something has changed in it, and every now and then. */
export class FolderWatch implements Disposable {
  readonly #dir: string;
  readonly #look: () => Promise<void>;
  readonly #warn: (error: unknown, what: string) => void;
  #watcher: FSWatcher | undefined;
  #settle: NodeJS.Timeout | undefined;
  #nextLook: NodeJS.Timeout | undefined;
  #isClosed = false;
  #unsettledLooks = 0;

  constructor(dir: string, { look, warn }: { readonly look: () => Promise<void>; readonly warn: (error: unknown, what: string) => void }) {
    this.#dir = dir;
    this.#look = look;
    this.#warn = warn;
  }

  /** Makes the folder where there is none; the first look has been taken when this resolves. */
  async start(): Promise<void> {
    await mkdir(this.#dir, { recursive: true });
    this.#watcher = watch(this.#dir, { recursive: true }, () => this.#changed());
    // Too many folders for the system to watch: changes are seen by `tutti plugins` then.
    this.#watcher.on("error", (error) => this.#warn(error, "the plugins folder is not watched"));
    await this.#look();
    this.#lookLater(0);
  }

  /** Somebody was writing: looks again soon, up to a bound. */
  lookAgain(): void {
    this.#unsettledLooks += 1;
    if (this.#unsettledLooks <= UNSETTLED_LOOKS_MAX) this.#lookSoon();
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    this.#watcher?.close();
    clearTimeout(this.#settle);
    clearTimeout(this.#nextLook);
  }

  #changed(): void {
    this.#unsettledLooks = 0;
    this.#lookSoon();
  }

  #lookSoon(): void {
    if (this.#isClosed) return;
    clearTimeout(this.#settle);
    // It never rejects.
    this.#settle = setTimeout(() => void this.#lookOnce(), SETTLE_MS);
    this.#settle.unref();
  }

  #lookLater(lastMs: number): void {
    if (this.#isClosed) return;
    const look = async (): Promise<void> => {
      const startedAtMs = performance.now();
      await this.#lookOnce();
      this.#lookLater(performance.now() - startedAtMs);
    };
    this.#nextLook = setTimeout(() => void look(), Math.max(LOOK_MS, lastMs / LOOK_SHARE));
    this.#nextLook.unref();
  }

  #lookOnce(): Promise<void> {
    return this.#look().catch((error: unknown) => this.#warn(error, "the plugins folder could not be looked at"));
  }
}

import { PERIODS, windowsAt } from "./calendar.ts";
import type { Period } from "./limits.ts";

/** What was spent in one window. */
interface Window {
  startMs: number;
  tokens: number;
  nanoUsd: number;
}

/** A purse as a snapshot holds it: start, tokens and billionths of a dollar of each window. */
export type PurseSnapshot = Readonly<Record<Period, readonly [startMs: number, tokens: number, nanoUsd: number]>>;

/** What somebody spent in the current day, week, month, and ever. A window that has ended counts as empty. */
export class Purse {
  readonly #windows: Readonly<Record<Period, Window>>;

  constructor(snapshot?: PurseSnapshot) {
    const open = (period: Period): Window => {
      const [startMs = 0, tokens = 0, nanoUsd = 0] = snapshot?.[period] ?? [];
      return { startMs, tokens, nanoUsd };
    };
    this.#windows = { day: open("day"), week: open("week"), month: open("month"), total: open("total") };
  }

  /** Adds what was spent at a moment. Windows only go forward: what comes too late for one is in the longer ones only. */
  add(atMs: number, tokens: number, nanoUsd: number): void {
    const { startsMs } = windowsAt(atMs);
    for (const period of PERIODS) {
      const window = this.#windows[period];
      const startMs = startsMs[period];
      if (startMs < window.startMs) continue;
      if (startMs > window.startMs) {
        window.startMs = startMs;
        window.tokens = 0;
        window.nanoUsd = 0;
      }
      window.tokens += tokens;
      window.nanoUsd += nanoUsd;
    }
  }

  tokens(period: Period, nowMs: number): number {
    const window = this.#windows[period];
    return window.startMs < windowsAt(nowMs).startsMs[period] ? 0 : window.tokens;
  }

  nanoUsd(period: Period, nowMs: number): number {
    const window = this.#windows[period];
    return window.startMs < windowsAt(nowMs).startsMs[period] ? 0 : window.nanoUsd;
  }

  snapshot(): PurseSnapshot {
    const of = (period: Period): PurseSnapshot[Period] => {
      const { startMs, tokens, nanoUsd } = this.#windows[period];
      return [startMs, tokens, nanoUsd];
    };
    return { day: of("day"), week: of("week"), month: of("month"), total: of("total") };
  }
}

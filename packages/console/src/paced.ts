import { nextFrame } from "./next-frame.ts";

/**
 * After a drawing the page rests so many times as long as it took. What is measured is the page's own thread; about half as much again is
 * done by others, which turn a drawing into pixels where there is no graphics card.
 */
const REST_FACTOR = 18;
const REST_MS_MAX = 500;

/**
 * Draws what changes faster than anybody reads: at the browser's next frame, then again when the page has rested. A quick machine draws
 * every frame that a feed brings, a slow one some of them; what came meanwhile is drawn together.
 */
export class Pace {
  readonly #draw: () => void;
  #isAsked = false;
  #isUnderWay = false;

  constructor(draw: () => void) {
    this.#draw = draw;
  }

  /** Something has changed. */
  ask(): void {
    this.#isAsked = true;
    if (!this.#isUnderWay) void this.#go();
  }

  /** Draws now what has changed, if anything has. */
  finish(): void {
    if (!this.#isAsked) return;
    this.#isAsked = false;
    this.#draw();
  }

  async #go(): Promise<void> {
    this.#isUnderWay = true;
    while (this.#isAsked) {
      await nextFrame();
      const startMs = performance.now();
      this.finish();
      // A timer that is set before the browser draws a frame comes after it.
      await passed(0);
      await passed(Math.min(REST_MS_MAX, (performance.now() - startMs) * REST_FACTOR));
    }
    this.#isUnderWay = false;
  }
}

function passed(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

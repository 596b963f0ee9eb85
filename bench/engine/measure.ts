import type { Subject } from "./subject.ts";

/** What a number of workflows took. */
export interface Measured {
  readonly perS: number;
  readonly latenciesMs: readonly number[];
  /** The memory of the whole process after it, servers of their own not counted. */
  readonly rssBytes: number;
}

/** What to run: `count` workflows, `concurrency` of them at once. */
export interface Load {
  readonly concurrency: number;
  readonly count: number;
}

const STEPS = 5;

/** Runs workflows and times them; a wrong output ends the measurement, because a wrong answer is no fast answer. */
export async function measure(subject: Pick<Subject, "name" | "runWorkflow">, { concurrency, count }: Load): Promise<Measured> {
  const latenciesMs: number[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) {
      const input = next++;
      const startMs = performance.now();
      const output = await subject.runWorkflow(input);
      latenciesMs.push(performance.now() - startMs);
      if (output !== input + STEPS) throw new Error(`wanted ${input + STEPS} from ${subject.name}, got ${output}`);
    }
  };
  const startMs = performance.now();
  await Promise.all(Array.from({ length: concurrency }, lane));
  return { perS: (count * 1000) / (performance.now() - startMs), latenciesMs, rssBytes: process.memoryUsage.rss() };
}

/** A line of a difference: in both texts, only in the one before, or only in the one after. */
export interface DiffLine {
  readonly kind: "same" | "gone" | "new";
  readonly text: string;
  /** Its place in the text before and after, from 1; null where it is not there. */
  readonly before: number | null;
  readonly after: number | null;
}

/** More differences than this are not told apart: what differs is shown as one change. */
const EDITS_MAX = 2000;

/** What two lists of words or lines differ in, with as few changes as can be (E. Myers, "An O(ND) Difference Algorithm", 1986). Pure. */
export function diffLines(before: readonly string[], after: readonly string[]): readonly DiffLine[] {
  let from = 0;
  while (from < before.length && from < after.length && before[from] === after[from]) from += 1;
  let [beforeEnd, afterEnd] = [before.length, after.length];
  while (beforeEnd > from && afterEnd > from && before[beforeEnd - 1] === after[afterEnd - 1]) {
    beforeEnd -= 1;
    afterEnd -= 1;
  }
  const lines: DiffLine[] = [];
  const add = (kind: DiffLine["kind"], beforeAt: number, afterAt: number): void =>
    void lines.push({
      kind,
      text: (kind === "new" ? after[afterAt] : before[beforeAt]) ?? "",
      before: kind === "new" ? null : beforeAt + 1,
      after: kind === "gone" ? null : afterAt + 1,
    });
  for (let at = 0; at < from; at += 1) add("same", at, at);
  for (const [kind, x, y] of shortest(before.slice(from, beforeEnd), after.slice(from, afterEnd))) add(kind, from + x, from + y);
  for (let at = 0; beforeEnd + at < before.length; at += 1) add("same", beforeEnd + at, afterEnd + at);
  return lines;
}

type Step = readonly [DiffLine["kind"], number, number];

function shortest(before: readonly string[], after: readonly string[]): readonly Step[] {
  const trail: Map<number, number>[] = [];
  const reach = new Map<number, number>([[1, 0]]);
  for (let edits = 0; edits <= Math.min(EDITS_MAX, before.length + after.length); edits += 1) {
    trail.push(new Map(reach));
    for (let line = -edits; line <= edits; line += 2) {
      const isDown = line === -edits || (line !== edits && at(reach, line - 1) < at(reach, line + 1));
      let x = isDown ? at(reach, line + 1) : at(reach, line - 1) + 1;
      while (x < before.length && x - line < after.length && before[x] === after[x - line]) x += 1;
      reach.set(line, x);
      if (x >= before.length && x - line >= after.length) return walkBack(trail, before.length, after.length);
    }
  }
  return [...before.map((_, x): Step => ["gone", x, 0]), ...after.map((_, y): Step => ["new", before.length, y])];
}

function walkBack(trail: readonly ReadonlyMap<number, number>[], beforeLength: number, afterLength: number): readonly Step[] {
  const steps: Step[] = [];
  let [x, y] = [beforeLength, afterLength];
  for (const [edits, reach] of [...trail.entries()].toReversed()) {
    const line = x - y;
    const isDown = line === -edits || (line !== edits && at(reach, line - 1) < at(reach, line + 1));
    const fromLine = isDown ? line + 1 : line - 1;
    const fromX = at(reach, fromLine);
    const fromY = fromX - fromLine;
    while (x > fromX && y > fromY && x > 0 && y > 0) steps.push(["same", (x -= 1), (y -= 1)]);
    if (edits === 0) break;
    if (isDown) steps.push(["new", x, (y -= 1)]);
    else steps.push(["gone", (x -= 1), y]);
  }
  return steps.toReversed();
}

function at(reach: ReadonlyMap<number, number>, line: number): number {
  return reach.get(line) ?? -1;
}

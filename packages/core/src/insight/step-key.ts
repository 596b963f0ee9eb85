/** How deep in branches a key lies: "2" is 0, "3.0.1" (third place, branch 0, step 1) is 1. */
export function depthOf(key: string): number {
  return Math.floor((key.split(".").length - 1) / 2);
}

/** The order in which the workflow's code comes to two steps; keys that are none come last. */
export function compareKeys(a: string, b: string): number {
  const left = placesOf(a);
  const right = placesOf(b);
  if (left === undefined || right === undefined) {
    if (left !== undefined || right !== undefined) return left === undefined ? 1 : -1;
    return a < b ? -1 : 1;
  }
  for (const [index, place] of left.entries()) {
    const difference = place - (right[index] ?? -1);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

/** Deeper branches than this are read as if they stood beside the rest: no workflow nests so far, but a log from elsewhere may. */
const DEPTH_MAX = 64;

/** A key's places: step, branch, step, branch, … step; `undefined` when it is no such key. */
export function placesOf(key: string): readonly number[] | undefined {
  const places = key.split(".").map(Number);
  const isKey = places.length % 2 === 1 && places.length <= DEPTH_MAX * 2 && places.every((place) => Number.isSafeInteger(place));
  return isKey ? places : undefined;
}

/** The same place in any branch: "3.0.1" and "3.7.1" are both "3.*.1". */
export function shapeOf(key: string): string {
  return key
    .split(".")
    .map((place, index) => (index % 2 === 1 ? "*" : place))
    .join(".");
}

/** How far each branch of a run has come. What is still open in branches that the run has left behind ("3.0.1" once there is a "4") was cut off. */
export class Frontier {
  readonly #furthest = new Map<string, number>();

  /** Takes in the key of a step that was begun. */
  see(key: string): void {
    for (const [prefix, place] of levelsOf(key)) this.#furthest.set(prefix, Math.max(place, this.#furthest.get(prefix) ?? 0));
  }

  hasLeft(key: string): boolean {
    return levelsOf(key)
      .slice(0, -1)
      .some(([prefix, place]) => (this.#furthest.get(prefix) ?? 0) > place);
  }
}

/** The branches a key lies in, outer ones first: what their keys begin with, and the place in each. */
function levelsOf(key: string): readonly (readonly [prefix: string, place: number])[] {
  const places = placesOf(key) ?? [];
  return places.flatMap((place, index) => (index % 2 === 1 ? [] : [[places.slice(0, index).join("."), place] as const]));
}

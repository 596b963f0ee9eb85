import { hash } from "node:crypto";
import { Disk } from "./disk.ts";
import { START_MS, World, type Image, type Scope } from "./world.ts";

/** What an exploration saw. It is exhaustive unless it stopped at a violation. */
export interface Exploration {
  /** Different states, and different things that happened in them. */
  readonly states: number;
  readonly transitions: number;
  /** Different disks that crashes left, each recovered from. */
  readonly crashes: number;
  /** States in which nothing can happen any more. */
  readonly ends: number;
  /** The most that happened in one life of the server. */
  readonly depth: number;
  readonly violation?: { readonly found: string; readonly path: readonly string[]; readonly log: readonly string[] };
}

/**
 * Every order in which things can happen, with a crash possible everywhere. States are visited once; since promises cannot be copied, a
 * state is reached again by doing all that led to it since the last start (stateless search: Godefroid, VeriSoft, 1997).
 */
export async function explore(scope: Scope): Promise<Exploration> {
  const search = new Search(scope);
  const { stackTraceLimit } = Error;
  // Runs end with errors that nobody looks at, hundreds of thousands of times.
  Error.stackTraceLimit = 0;
  try {
    await search.run();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
  return search.exploration;
}

class Search {
  readonly #scope: Scope;
  readonly #visited = new Set<string>();
  readonly #images: { readonly image: Image; readonly history: readonly string[] }[] = [];
  readonly #seenImages = new Set<string>();
  #transitions = 0;
  #ends = 0;
  #depth = 0;
  #violation: Exploration["violation"];

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  get exploration(): Exploration {
    return {
      states: this.#visited.size,
      transitions: this.#transitions,
      crashes: this.#seenImages.size - 1,
      ends: this.#ends,
      depth: this.#depth,
      ...(this.#violation && { violation: this.#violation }),
    };
  }

  async run(): Promise<void> {
    this.#addImage({ disk: new Disk(), nowMs: START_MS, acked: new Set(), crashes: 0 }, []);
    for (let next = this.#images.pop(); next !== undefined; next = this.#images.pop()) {
      const paths: (readonly string[])[] = [[]];
      for (let path = paths.pop(); path !== undefined; path = paths.pop()) {
        await this.#follow(next, path, paths);
        if (this.#violation !== undefined) return;
      }
    }
  }

  /** Goes a path again, then on from its end until a state that is known; leaves the other ways in `paths`. */
  async #follow(
    { image, history }: { readonly image: Image; readonly history: readonly string[] },
    path: readonly string[],
    paths: (readonly string[])[],
  ): Promise<void> {
    const world = new World(this.#scope, image);
    await world.boot();
    for (const choice of path) await world.choose(choice);
    if (path.length > 0) this.#transitions += 1;
    for (const here = [...path]; this.#isNew(world, [...history, ...here]);) {
      this.#depth = Math.max(this.#depth, here.length);
      for (const left of world.images) this.#addImage(left, [...history, ...here, "crash"]);
      const [first, ...others] = world.choices;
      for (const other of others) paths.push([...here, other]);
      if (first === undefined) {
        await world.checkEnd();
        this.#ends += 1;
        this.#note(world, [...history, ...here]);
        return;
      }
      await world.choose(first);
      here.push(first);
      this.#transitions += 1;
    }
  }

  #isNew(world: World, path: readonly string[]): boolean {
    world.check();
    this.#note(world, path);
    if (this.#violation !== undefined) return false;
    // States are long texts, and there are many.
    const digest = hash("sha1", world.key, "base64");
    if (this.#visited.has(digest)) return false;
    this.#visited.add(digest);
    return true;
  }

  #note({ violation, log }: World, path: readonly string[]): void {
    if (violation !== undefined) this.#violation ??= { found: violation, path, log };
  }

  #addImage(image: Image, history: readonly string[]): void {
    const { disk, acked, nowMs, crashes } = image;
    const runs = disk.runIds.map((runId) => disk.traceOf(runId));
    const ids = this.#scope.isSymmetric === true ? [] : disk.runIds;
    const key = [...(ids.length === 0 ? runs.toSorted() : [...ids, ...runs]), ...acked, nowMs, crashes].join("\n");
    if (this.#seenImages.has(key)) return;
    this.#seenImages.add(key);
    this.#images.push({ image: { ...image, disk: disk.clone() }, history });
  }
}

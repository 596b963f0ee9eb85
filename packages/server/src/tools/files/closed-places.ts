import type { Stats } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import { basename, dirname, join, sep } from "node:path";
import { AppError } from "@tutti/core";

/** Files and folders that were seen are known again under another name; beyond so many the longest known are forgotten. */
const KNOWN_MAX = 1_000;

/** What is closed at the moment: by path, and by what the file system says it is. */
export interface ClosedNow {
  /** Whether a path of this machine is a closed place or below one. `stats` are those of what is there. */
  has(path: string, stats: Stats | undefined): boolean;
  /** Whether there is a closed place somewhere below a folder. */
  isBelow(path: string): boolean;
}

/**
 * Files and folders of this machine that no file tool may reach, wherever the workspace is. They are known by path, in any case of letters,
 * and by identity, so that another way to them, or another name of a folder above them, does not open them.
 */
export class ClosedPlaces {
  readonly #paths: readonly string[];
  readonly #known = new Set<string>();

  constructor(paths: readonly string[]) {
    this.#paths = paths;
    // What is there at the start stays known when somebody moves it.
    void this.now();
  }

  /** Looks where they are now: policies are replaced, and folders made, while Tutti runs. */
  async now(): Promise<ClosedNow> {
    const places = new Set<string>();
    for (const path of this.#paths) {
      places.add(folded(await placeOf(path)));
      const target = await realpath(path).catch(() => path);
      places.add(folded(target));
      const stats = await stat(target).catch(() => undefined);
      if (stats !== undefined) this.#know(stats);
    }
    return {
      has: (path, stats) => {
        const asked = folded(path);
        if (stats !== undefined && this.#known.has(identityOf(stats))) return true;
        return [...places].some((place) => asked === place || asked.startsWith(below(place)));
      },
      isBelow: (path) => [...places].some((place) => place.startsWith(below(folded(path)))),
    };
  }

  #know(stats: Stats): void {
    this.#known.add(identityOf(stats));
    if (this.#known.size > KNOWN_MAX) for (const oldest of this.#known) return void this.#known.delete(oldest);
  }
}

/** Which of the closed places a folder holds, or is in; for a warning at the start. What is not there yet counts. */
export async function closedIn(root: string, paths: readonly string[]): Promise<readonly string[]> {
  const real = folded(await realpath(root).catch(() => root));
  const found: string[] = [];
  for (const path of paths) {
    const places = [await placeOf(path), await realpath(path).catch(() => path)].map(folded);
    if (places.some((place) => place === real || place.startsWith(below(real)) || real.startsWith(below(place)))) found.push(path);
  }
  return found;
}

/** For whoever asks for one. Whether it is there is not told. */
export function closedError(path: string): AppError {
  return new AppError(
    "denied",
    `wanted a file of the workspace, got ${path === "" ? "the workspace itself" : path}, which is Tutti's own (data, policies, settings, plugins) and closed to tools; set workspaceDir to a folder of its own`,
  );
}

/** The path itself, below folders without links; what is not there yet keeps its name. */
async function placeOf(path: string): Promise<string> {
  const folder = dirname(path);
  if (folder === path) return path;
  const real = await realpath(folder).catch(() => undefined);
  return join(real ?? (await placeOf(folder)), basename(path));
}

/** The same for all spellings that some file system takes for one. */
function folded(path: string): string {
  return path.normalize("NFKC").toLowerCase().toUpperCase().normalize("NFC");
}

function below(folder: string): string {
  return folder.endsWith(sep) ? folder : `${folder}${sep}`;
}

/** A number of a file that is gone is given to another; when it was made tells them apart. */
function identityOf({ dev, ino, birthtimeMs }: Stats): string {
  return `${dev}:${ino}:${birthtimeMs}`;
}

import { createHash } from "node:crypto";
import { cp, lstat, mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { AppError } from "@tutti/core";

const FILES_MAX = 5_000;
const BYTES_MAX = 64 * 1_048_576;
const DEPTH_MAX = 24;
/** What no plugin needs to run. */
const LEFT_OUT = new Set([".git", ".bin", ".DS_Store"]);

/** The files of a folder, as far as one can tell without reading them. */
interface Listing {
  readonly files: readonly string[];
  /** Changes with every file that comes, goes or is written. */
  readonly stamp: string;
}

/** What a folder holds now. Two looks that give the same: nobody is writing. Throws for links and for folders beyond the bounds. */
async function listFolder(folder: string): Promise<Listing> {
  const files: string[] = [];
  const stamps: string[] = [];
  let bytes = 0;
  const walk = async (way: string, depth: number): Promise<void> => {
    if (depth > DEPTH_MAX) throw tooLarge(folder, `folders ${depth} deep`);
    const names = (await readdir(join(folder, way))).filter((name) => !LEFT_OUT.has(name)).toSorted();
    for (const name of names) {
      const path = way === "" ? name : `${way}/${name}`;
      const found = await lstat(join(folder, path));
      if (found.isDirectory()) await walk(path, depth + 1);
      else if (found.isFile()) {
        bytes += found.size;
        files.push(path);
        stamps.push(`${path}\0${found.size}\0${found.mtimeMs}\0${found.ctimeMs}\0${found.ino}`);
      } else
        throw new AppError(
          "invalid_input",
          `wanted files and folders only, got ${path}, which is a link or something else; copy what it leads to`,
        );
      if (files.length > FILES_MAX || bytes > BYTES_MAX) throw tooLarge(folder, `${files.length} files of ${bytes} bytes`);
    }
  };
  await walk("", 0);
  return { files, stamp: stamps.join("\n") };
}

/** The content of a folder, as a hash over names and bytes. */
async function hashFolder(folder: string, files: readonly string[]): Promise<string> {
  const hash = createHash("sha256");
  for (const file of files) {
    const bytes = await readFile(join(folder, file));
    hash.update(`${file}\0${bytes.length}\0`).update(bytes);
  }
  return hash.digest("hex").slice(0, 16);
}

/** A copy of a folder's content; `stamp` is how the folder looked then. */
export interface Copy {
  readonly path: string;
  readonly hash: string;
  readonly stamp: string;
}

/**
 * Keeps a copy of a plugin's folder under its content's hash, where nobody edits it: what runs is what was looked at. Returns where, or
 * `undefined` when somebody wrote to the folder meanwhile.
 */
export async function keepCopy(folder: string, home: string, known?: Copy): Promise<Copy | undefined> {
  const { files, stamp } = await listFolder(folder);
  // Nothing was written since the last look, so nothing needs to be read.
  if (stamp === known?.stamp) return known;
  const hash = await hashFolder(folder, files);
  const path = join(home, hash);
  if (await lstat(path).catch(() => undefined)) return { path, hash, stamp };
  const draft = join(home, `.draft-${process.pid}-${hash}`);
  try {
    for (const file of files) {
      await mkdir(join(draft, dirname(file)), { recursive: true });
      await cp(join(folder, file), join(draft, file));
    }
    const isSame = (await listFolder(folder)).stamp === stamp && (await hashFolder(draft, files)) === hash;
    if (!isSame) return undefined;
    await rename(draft, path).catch(async (error: NodeJS.ErrnoException) => {
      // Another process has kept the same.
      if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
    });
    return { path, hash, stamp };
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** Copies a plugin's folder to where plugins are looked for: it is there whole or not at all. */
export async function installFolder(from: string, to: string): Promise<void> {
  if (await lstat(to).catch(() => undefined))
    throw new AppError("conflict", `wanted a new plugin, got ${to}, which is there already; remove it first with \`tutti plugins remove\``);
  const draft = join(dirname(to), `.draft-${process.pid}-${Date.now()}`);
  try {
    const { files } = await listFolder(from);
    await mkdir(draft, { recursive: true });
    for (const file of files) {
      await mkdir(join(draft, dirname(file)), { recursive: true });
      await cp(join(from, file), join(draft, file));
    }
    await rename(draft, to);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

function tooLarge(folder: string, got: string): AppError {
  return new AppError(
    "too_large",
    `wanted a plugin of at most ${FILES_MAX} files of ${BYTES_MAX} bytes, ${DEPTH_MAX} deep, got ${got} in ${folder}`,
  );
}

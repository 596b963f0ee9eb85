import type { Readable } from "node:stream";
import type { Program } from "../backend.ts";
import type { CollectedFiles } from "../shared/collect-files.ts";
import { readTar, type TarFile } from "./tar.ts";

/** Entries looked at: a folder full of empty files must end too. */
const ENTRIES_MAX = 10_000;
const DEPTH_MAX = 16;
/** Sparse files come with all their zeros, so an archive may be larger than the folder was. */
const ARCHIVE_FACTOR_MAX = 4;

/** What a program left in its working folder, out of the archive in which an engine gives it. Holds no more in memory than the limits allow. */
export async function collectArchive(archive: Readable, program: Program): Promise<CollectedFiles> {
  const { filesMax, fileBytes, diskBytes } = program.limits;
  // No prototype, so that a file called "__proto__" is a file.
  const files = Object.create(null) as Record<string, Uint8Array>;
  // By their names in the archive, for hard links to them.
  const contents = new Map<string, Uint8Array>();
  let isTruncated = false;
  let entries = 0;
  let count = 0;
  let bytes = 0;
  let passedBytes = 0;
  try {
    for await (const file of readTar(archive)) {
      entries += 1;
      passedBytes += file.sizeBytes;
      if (entries > ENTRIES_MAX || count > filesMax || passedBytes > diskBytes * ARCHIVE_FACTOR_MAX) {
        isTruncated = true;
        break;
      }
      // The first part is the working folder itself.
      const [, ...parts] = file.name.split("/");
      const bytesMax = Math.min(fileBytes, diskBytes - bytes);
      const content = parts.length > DEPTH_MAX ? undefined : await contentOf(file, bytesMax, contents);
      if (content === undefined) {
        isTruncated = true;
        continue;
      }
      const name = parts.join("/");
      contents.set(file.name, content);
      if (program.own.has(name) && Buffer.compare(content, program.files.get(name) ?? Buffer.alloc(0)) === 0) continue;
      count += 1;
      bytes += content.byteLength;
      if (count > filesMax) isTruncated = true;
      else files[name] = content;
    }
  } finally {
    archive.destroy();
  }
  return { files, isTruncated };
}

/** The content of a file or of the one that it is a link to; nothing when that is too large or was left out. */
async function contentOf(file: TarFile, bytesMax: number, earlier: ReadonlyMap<string, Uint8Array>): Promise<Uint8Array | undefined> {
  if (file.linkTo === undefined) return file.sizeBytes > bytesMax ? undefined : file.read();
  const linked = earlier.get(file.linkTo);
  return linked !== undefined && linked.byteLength <= bytesMax ? linked : undefined;
}

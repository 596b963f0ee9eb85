import type { Readable } from "node:stream";
import type { Program } from "../backend.ts";
import type { CollectedFiles } from "../shared/collect-files.ts";
import { readTar } from "./tar.ts";

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
      const linked = contents.get(file.linkTo ?? "");
      const sizeBytes = linked?.byteLength ?? file.sizeBytes;
      const isLost = file.linkTo !== undefined && linked === undefined;
      if (isLost || sizeBytes > fileBytes || bytes + sizeBytes > diskBytes || parts.length > DEPTH_MAX) {
        isTruncated = true;
        continue;
      }
      const name = parts.join("/");
      const content = linked ?? (await file.read());
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

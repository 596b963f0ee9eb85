import { createHash } from "node:crypto";
import { chown } from "node:fs/promises";
import { dirname } from "node:path";
import { AppError } from "@tutti/core";
import type { JailSpec } from "@tutti/core/sandbox";
import { folderBytes } from "../shared/folder.ts";
import type { Uids } from "../shared/uids.ts";

/** The user of a jail: always the same for a volume, so that what it wrote stays its own. `undefined` where jails run as Tutti's user. */
export function userOf({ volume }: JailSpec, uids: Uids | undefined): number | undefined {
  return volume === undefined ? uids?.next() : uids?.of(createHash("sha256").update(volume.path).digest().readUInt32BE());
}

/** Makes a jail's volume and socket its user's own. Throws `storage_full` for a volume that is over its quota already. */
export async function giveBelongings({ volume, socketPath }: JailSpec, uid: number | undefined): Promise<void> {
  if (volume !== undefined) {
    const bytes = await folderBytes(volume.path);
    if (bytes > volume.quotaBytes)
      throw new AppError(
        "storage_full",
        `wanted at most ${volume.quotaBytes} bytes in ${volume.path}, got ${bytes}; remove files or raise its quota`,
      );
  }
  if (uid === undefined) return;
  if (volume !== undefined) await chown(volume.path, uid, uid);
  if (socketPath === undefined) return;
  // Who binds the socket is the jail's own user: it has to get at it, and nobody else.
  await chown(socketPath, uid, uid);
  await chown(dirname(socketPath), uid, uid);
}

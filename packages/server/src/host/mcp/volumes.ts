import { createHash } from "node:crypto";
import { chmod, mkdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { JailSpec } from "@tutti/core/sandbox";
import type { Config } from "../config/index.ts";

/** Where root keeps what users of jails must reach: the data folder lets nobody else through. */
const ROOT_DIR = "/var/lib/tutti-jails";
const NAME_LENGTH = 16;

/** The folder that holds the volumes of an app's jails. */
export function jailsDirOf({ jailsDir, dataDir }: Pick<Config, "jailsDir" | "dataDir">): string {
  if (jailsDir !== undefined) return jailsDir;
  if (process.getuid?.() !== 0) return join(dataDir, "jails");
  return join(ROOT_DIR, createHash("sha256").update(dataDir).digest("hex").slice(0, NAME_LENGTH));
}

/** Makes a jail's volume, if it has one and it is not there yet. Others pass through the folder above, and cannot list it. */
export async function makeVolume({ volume }: JailSpec): Promise<void> {
  if (volume === undefined) return;
  const above = dirname(volume.path);
  const isNew = (await mkdir(above, { recursive: true })) !== undefined;
  if (isNew) await chmod(above, 0o711);
  await mkdir(volume.path, { recursive: true, mode: 0o700 });
}

/** Removes the volume that a server's jail has, or had. */
export async function removeVolume(jailsDir: string, name: string): Promise<void> {
  await rm(join(jailsDir, name), { recursive: true, force: true });
}

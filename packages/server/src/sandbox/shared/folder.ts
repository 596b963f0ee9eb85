import { chmod, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The first part of the name of every folder that sandboxes make, and of every cgroup. */
export const FOLDER_PREFIX = "tutti-sandbox-";

/** A new folder of this process. Its name tells the process, so that what a killed one left behind is found. */
export async function makeFolder(name: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `${FOLDER_PREFIX}${process.pid}-${name}-`));
  // A program under another uid has to pass through it; what is in it, it cannot list.
  await chmod(folder, 0o711);
  return folder;
}

import { copyFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { makeFolder } from "./make-folder.ts";

/** Where uploaded files stand in a data folder: a folder for each tenant, and nothing below it. */
export const FILES_FOLDER = "files";

/** Copies uploaded files from one data folder to another. They may come and go meanwhile: what is known of a file is written last. */
export async function copyFiles(from: string, to: string): Promise<void> {
  for (const tenant of await namesIn(join(from, FILES_FOLDER))) {
    await makeFolder(join(to, FILES_FOLDER, tenant));
    for (const name of await namesIn(join(from, FILES_FOLDER, tenant)))
      await copyFile(join(from, FILES_FOLDER, tenant, name), join(to, FILES_FOLDER, tenant, name)).catch(unlessGone);
  }
}

function namesIn(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch((error: unknown) => {
    unlessGone(error);
    return [];
  });
}

function unlessGone(error: unknown): void {
  if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
}

import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Where commands on this machine find a running Tutti. Readable by its user only: it holds a token that lives as long as the process. */
export interface ServerFile {
  readonly url: string;
  readonly pid: number;
  readonly token: string;
}

const NAME = "server.json";
const ANSWER_TIMEOUT_MS = 2000;

/** Writes the file; disposing removes it. */
export async function writeServerFile(dataDir: string, content: ServerFile): Promise<AsyncDisposable> {
  const path = join(dataDir, NAME);
  // Nothing else is in it when runs are kept in PostgreSQL.
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  await rm(path, { force: true });
  await writeFile(path, `${JSON.stringify(content)}\n`, { mode: 0o600 });
  return { [Symbol.asyncDispose]: () => rm(path, { force: true }) };
}

/** The Tutti that runs on a data folder, if one does and answers. A file left behind by a killed process is not believed. */
export async function findServer(dataDir: string): Promise<ServerFile | undefined> {
  try {
    const content = JSON.parse(await readFile(join(dataDir, NAME), "utf8")) as ServerFile;
    // The token of a process that is gone opens nothing, so it may be shown to whoever listens there now.
    const headers = { authorization: `Bearer ${content.token}` };
    const response = await fetch(new URL("/health", content.url), { headers, signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
    const { pid } = (await response.json()) as { readonly pid?: number };
    return pid === content.pid ? content : undefined;
  } catch {
    // No file, no JSON, no answer: no server.
    return undefined;
  }
}

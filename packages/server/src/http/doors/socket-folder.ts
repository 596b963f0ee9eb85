import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readdir, readlink, rmdir, symlink, unlink } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

/** A place for one unix socket. */
export interface SocketPlace extends AsyncDisposable {
  readonly socketPath: string;
}

const PREFIX = "tutti-door-";
const SOCKET = "s";
/** A path of a socket has at most 107 bytes (unix(7)): this leaves room for the folder's name and the socket's. */
const BASE_BYTES_MAX = 80;

/**
 * Makes a folder of mode 0700 for one socket. It stands among the temporary files and not in the data folder: paths there may be too long,
 * and a jail's own user, who is given the folder, must not have to pass through what is Tutti's. A link in `dir` remembers it.
 */
export async function makeSocketPlace(dir: string): Promise<SocketPlace> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const base = Buffer.byteLength(tmpdir()) <= BASE_BYTES_MAX ? tmpdir() : "/tmp";
  const folder = await mkdtemp(join(base, PREFIX));
  await chmod(folder, 0o700);
  const link = join(dir, basename(folder));
  await symlink(folder, link);
  return { socketPath: join(folder, SOCKET), [Symbol.asyncDispose]: () => removePlace(link, folder) };
}

/** Removes the places of processes that ended without doing so: nobody answers there. */
export async function removeStalePlaces(dir: string): Promise<void> {
  for (const name of (await readdir(dir).catch(orNothing)) ?? []) {
    const link = join(dir, name);
    const folder = await readlink(link).catch(orNothing);
    if (folder === undefined || !basename(folder).startsWith(PREFIX) || basename(folder) !== name) continue;
    if (!(await isAnswered(join(folder, SOCKET)))) await removePlace(link, folder);
  }
}

async function isAnswered(socketPath: string): Promise<boolean> {
  const socket = connect(socketPath);
  try {
    await once(socket, "connect");
    return true;
  } catch (error) {
    // What cannot be told is left alone.
    return !["ECONNREFUSED", "ENOENT", "ENOTDIR"].includes(codeOf(error));
  } finally {
    socket.destroy();
  }
}

/** Never more than what was made: a socket and its folder. */
async function removePlace(link: string, folder: string): Promise<void> {
  await unlink(join(folder, SOCKET)).catch(orNothing);
  await rmdir(folder).catch(orNothing);
  await unlink(link).catch(orNothing);
}

/** For what may be gone already, or is somebody else's by now. */
function orNothing(error: unknown): undefined {
  if (!["ENOENT", "ENOTDIR", "EINVAL", "ENOTEMPTY", "EPERM", "EACCES"].includes(codeOf(error))) throw error;
  return undefined;
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

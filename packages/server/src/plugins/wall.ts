import { execFile } from "node:child_process";
import { existsSync, lstatSync, readlinkSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { promisify } from "node:util";
import type { Command } from "./limits.ts";

const TRIAL_MS = 10_000;
/** Where systems keep the libraries that Node needs, and nothing of anybody's own. */
const SYSTEM_PATHS = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc/ld.so.cache", "/nix/store"];
const BUBBLEWRAP = "/usr/bin/bwrap";

/**
 * What stands between a plugin's process and everything else.
 * `namespaces`: it sees no other process, no network and no files but those it was given.
 * `none`: it may do what Tutti's own user may, but for Node's permission model.
 */
export type Wall = { readonly kind: "namespaces" } | { readonly kind: "none" };

/** What a process is to see of the files of this machine. */
export interface Sight {
  readonly reads: readonly string[];
  readonly writes: readonly string[];
  readonly folder: string;
}

let found: Promise<Wall> | undefined;

/** The strongest wall that works here, tried once by running it. */
export function findWall(): Promise<Wall> {
  found ??= tryWalls();
  return found;
}

/** What does not hold here, in words for the one who enables plugins; nothing when all does. Pure. */
export function gapsOf({ kind }: Wall): readonly string[] {
  switch (kind) {
    case "namespaces":
      return [];
    case "none":
      return [
        "plugins run as Tutti's own user: code that gets past Node's permission model reads Tutti's files, reaches the network and can end Tutti. Install bubblewrap (Linux), and enable only plugins that you trust",
      ];
  }
}

/** The command behind the wall. The streams it inherits stay as they are. */
export function behind(wall: Wall, command: Command, { reads, writes, folder }: Sight): Command {
  switch (wall.kind) {
    case "namespaces": {
      const views = [...mountsOf([...SYSTEM_PATHS, process.execPath, ...reads]), ...writes.flatMap((path) => ["--bind-try", path, path])];
      const args = [...namespaces(), ...views, "--remount-ro", "/", "--chdir", folder, "--", command.file, ...command.args];
      return { file: BUBBLEWRAP, args };
    }
    case "none":
      return command;
  }
}

function namespaces(): readonly string[] {
  const alone = ["--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"];
  const weak = ["--cap-drop", "ALL", "--die-with-parent", "--hostname", "plugin"];
  // In Tutti's session a plugin could write to the terminal that Tutti was started from.
  return [...alone, ...weak, "--proc", "/proc", "--dev", "/dev", "--ro-bind", "/dev/null", "/dev/tty"];
}

/** Read-only views of paths. A link stays a link, because Node looks for packages along real paths; what it leads to is seen too. */
function mountsOf(paths: readonly string[]): readonly string[] {
  return paths.filter(existsSync).flatMap((path) => {
    if (!lstatSync(path).isSymbolicLink()) return ["--ro-bind", path, path];
    const target = readlinkSync(path);
    const way = resolve(dirname(path), target);
    const isSeen = paths.some((other) => way === other || way.startsWith(`${other}/`));
    return [...(isSeen ? [] : ["--ro-bind-try", way, way]), "--symlink", target, path];
  });
}

async function tryWalls(): Promise<Wall> {
  if (process.platform !== "linux") return { kind: "none" };
  const node = { file: process.execPath, args: ["-e", "0"] };
  const folder = dirname(process.execPath);
  const wall: Wall = { kind: "namespaces" };
  if (await works(behind(wall, node, { reads: [], writes: [], folder }))) return wall;
  return { kind: "none" };
}

async function works({ file, args }: Command): Promise<boolean> {
  return promisify(execFile)(file, [...args], { env: {}, timeout: TRIAL_MS }).then(
    () => true,
    () => false,
  );
}

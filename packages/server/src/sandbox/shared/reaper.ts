import { spawn } from "node:child_process";
import { once } from "node:events";

/**
 * Waits for the end of its stdin, which comes when its parent is gone, however that ended. Then it ends what still runs in the cgroups, removes
 * them, ends each bubblewrap that was being started with something in the folders and is in no cgroup yet, and removes the folders. Arguments: cgroups, "--", folders.
 */
const SCRIPT = `
trap '' HUP INT TERM
while read -r _; do :; done
cgroups=
while [ "$#" -gt 0 ] && [ "$1" != -- ]; do cgroups="$cgroups $1"; shift; done
[ "$#" -gt 0 ] && shift
for try in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
  left=
  for cgroup in $cgroups; do
    [ -d "$cgroup" ] || continue
    for procs in "$cgroup"/*/cgroup.procs; do
      [ -f "$procs" ] || continue
      while read -r pid; do kill -9 "$pid"; done < "$procs"
    done
    rmdir "$cgroup"/* "$cgroup"
    [ -d "$cgroup" ] && left=1
  done 2> /dev/null
  [ -z "$left" ] && break
  sleep 0.05
done
for folder in "$@"; do
  for cmdline in $(grep -lsF -- "$folder/" /proc/[0-9]*/cmdline); do
    pid=\${cmdline#/proc/}
    pid=\${pid%/cmdline}
    [ "$(cat "/proc/$pid/comm")" = bwrap ] && kill -9 "$pid"
  done
done 2> /dev/null
[ "$#" -eq 0 ] || rm -rf -- "$@"
`;

/** Cleans up when this process can no longer do so itself. */
export interface Reaper {
  close(): Promise<void>;
}

/** Starts one. What it is told of is also removed when it is closed, if it is still there. */
export async function startReaper(what: { readonly cgroups: readonly string[]; readonly folders: readonly string[] }): Promise<Reaper> {
  const child = spawn("/bin/sh", ["-c", SCRIPT, "tutti-sandbox-reaper", ...what.cgroups, "--", ...what.folders], {
    stdio: ["pipe", "ignore", "ignore"],
    // What ends our process group, such as Ctrl-C, must not end it.
    detached: true,
    env: { PATH: "/usr/bin:/bin" },
    cwd: "/",
  });
  const exited = once(child, "exit");
  exited.catch(() => {});
  child.stdin.on("error", () => {});
  await once(child, "spawn");
  child.unref();
  return {
    async close() {
      child.ref();
      child.stdin.end();
      await exited;
    },
  };
}

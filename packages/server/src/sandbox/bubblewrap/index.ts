import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "@tutti/core";
import type { Jail } from "@tutti/core/sandbox";
import type { BackendOptions, OpenBackend, SandboxBackendFactory } from "../backend.ts";
import { CellPool } from "../cells/cell-pool.ts";
import { openCgroups } from "../cells/cgroups.ts";
import { Launcher } from "../cells/launcher.ts";
import { seccompFilter } from "../seccomp/filter.ts";
import { removeStaleFolders } from "../shared/folder.ts";
import { startReaper } from "../shared/reaper.ts";
import { installTools } from "../shared/runners.ts";
import { openUids } from "../shared/uids.ts";
import { cellArguments } from "./arguments.ts";
import { startJail } from "./jail.ts";
import { startCell } from "./bubblewrap-cell.ts";

/** Namespaces by bubblewrap, a filter of system calls, cgroups, and files in memory. */
export const bubblewrapBackend: SandboxBackendFactory = {
  name: "bubblewrap",
  level: "hard",
  hasJails: true,
  howToGet: "on Linux: apt install bubblewrap (and perl, where it is not there), and start Tutti as root or as a service with Delegate=yes",
  open,
};

const READABLE = { mode: 0o644 } as const;

async function open({ limits, folder, warmMax }: BackendOptions): Promise<OpenBackend> {
  if (process.platform !== "linux")
    throw new AppError("unsupported", `wanted Linux, got ${process.platform}; bubblewrap is made of what the Linux kernel has`);
  await using opening = new AsyncDisposableStack();
  const filter = join(folder, "filter");
  await writeFile(filter, seccompFilter(process.arch, { allowsUnixSockets: false }), READABLE);
  const filterWithUnix = join(folder, "filter-unix");
  await writeFile(filterWithUnix, seccompFilter(process.arch, { allowsUnixSockets: true }), READABLE);
  await writeFile(join(folder, "passwd"), "sandbox:x:1000:1000::/box/home:/bin/sh\n", READABLE);
  await writeFile(join(folder, "group"), "sandbox:x:1000:\n", READABLE);
  const [tools, uids, cgroups] = await Promise.all([installTools(folder), openUids(), openCgroups(), removeStaleFolders()]);
  opening.defer(() => cgroups.close());
  const reaper = await startReaper({ cgroups: cgroups.folders, folders: [folder] });
  opening.defer(() => reaper.close());
  const launcher = new Launcher(tools.runners);
  opening.defer(() => launcher.close());
  const start = { filter, cgroups, uids, launcher };
  const jails = { limits, cgroups, uids, launcher, tools, accounts: folder, filters: { none: filter, unix: filterWithUnix } };
  const alive = new Set<Jail>();
  const pool = new CellPool(
    {
      backend: "bubblewrap",
      start: (kind, wanted, signal) =>
        startCell({ ...start, limits: wanted, args: cellArguments(kind, { tools, accounts: folder, limits: wanted }) }, signal),
      fits: ({ diskBytes }) => diskBytes === limits.diskBytes,
    },
    { limits, warmMax },
  );
  opening.defer(() => pool.close());
  opening.defer(async () => void (await Promise.all([...alive].map((jail) => jail.stop(0)))));
  const close = opening.move();
  return {
    level: "hard",
    languages: [...(tools.python === undefined ? [] : (["python"] as const)), "javascript", "typescript", "shell"],
    means: {
      "no-network": "network namespace without an interface; seccomp refuses socket() of every family",
      "no-host-files": "mount namespace with the system's programs, read-only",
      "clean-environment": "an environment of its own; process namespace",
      time: "SIGKILL to the process namespace",
      memory: `${cgroups.version} memory bound over all its processes`,
      processes: `${cgroups.version} pids bound`,
      cpu: `${cgroups.version} cpu quota`,
      output: "pipes read up to a bound",
      "no-survivors": "process namespace, which ends as a whole",
      "safe-files": "files in memory of a bounded size; regular files only come back",
    },
    run: (program, signal) => pool.run(program, signal),
    async jail(spec, signal) {
      const jail = await startJail(jails, spec, signal);
      alive.add(jail);
      void jail.exited.then(() => alive.delete(jail));
      return jail;
    },
    close: () => close.disposeAsync(),
  };
}

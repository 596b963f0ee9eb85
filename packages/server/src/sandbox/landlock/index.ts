import { access, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "@tutti/core";
import type { BackendOptions, OpenBackend, SandboxBackendFactory } from "../backend.ts";
import { CellPool } from "../cells/cell-pool.ts";
import { Launcher } from "../cells/launcher.ts";
import { seccompFilter } from "../seccomp/filter.ts";
import { removeStaleFolders } from "../shared/folder.ts";
import { startReaper } from "../shared/reaper.ts";
import { installTools } from "../shared/runners.ts";
import { openUids } from "../shared/uids.ts";
import { checkProcessor, startCell } from "./landlock-cell.ts";

/** Landlock and a filter of system calls, under a supervisor that watches memory, files and processes. It needs no namespaces and no root. */
export const landlockBackend: SandboxBackendFactory = {
  name: "landlock",
  level: "soft",
  howToGet: "on Linux 6.12 or later: Landlock enabled (it is in Debian and Ubuntu), and perl",
  open,
};

async function open({ limits, folder, warmMax }: BackendOptions): Promise<OpenBackend> {
  if (process.platform !== "linux")
    throw new AppError("unsupported", `wanted Linux, got ${process.platform}; Landlock is a part of the Linux kernel`);
  const architecture = checkProcessor(process.arch);
  await access("/usr/bin/perl").catch((cause: unknown) => {
    throw new AppError("unsupported", "wanted /usr/bin/perl, got none; apt install perl-base", { cause });
  });
  await using opening = new AsyncDisposableStack();
  const [tools, uids] = await Promise.all([installTools(folder), openUids(), removeStaleFolders()]);
  const filter = join(folder, "filter");
  await writeFile(filter, seccompFilter(architecture, { allowsUnixSockets: false, isShared: true, hasOwnUid: uids !== undefined }), {
    mode: 0o644,
  });
  const reaper = await startReaper({ cgroups: [], folders: [folder] });
  opening.defer(() => reaper.close());
  const launcher = new Launcher(tools.runners);
  opening.defer(() => launcher.close());
  const pool = new CellPool(
    {
      backend: "landlock",
      start: (kind, wanted, signal) =>
        startCell({ limits: wanted, place: { kind, tools, architecture, filter }, folder, uids, launcher }, signal),
      fits: (wanted) => BOUND_AT_START.every((name) => wanted[name] === limits[name]),
    },
    { limits, warmMax },
  );
  opening.defer(() => pool.close());
  const close = opening.move();
  return {
    level: "soft",
    languages: [...(tools.python === undefined ? [] : (["python"] as const)), "javascript", "typescript", "shell"],
    means: {
      "no-network": "seccomp refuses socket() of every family; Landlock forbids TCP and abstract unix sockets",
      "no-host-files": "Landlock, with the system's programs read-only; names and sizes of other files can be seen",
      "clean-environment": "an environment of its own; /proc is closed",
      time: "SIGKILL to the process tree by its supervisor",
      memory: "the supervisor looks at the process tree every 20 ms, from half the limit on every 4 ms; RLIMIT_DATA for each process",
      processes: uids === undefined ? "RLIMIT_NPROC and the supervisor" : "RLIMIT_NPROC of a uid of its own",
      cpu: "nothing: a program may use every core",
      output: "pipes read up to a bound",
      "no-survivors": "the supervisor, to which orphans come back",
      "safe-files": "RLIMIT_FSIZE, and the supervisor looks at its folders every 100 ms; regular files only come back",
    },
    run: (program, signal) => pool.run(program, signal),
    close: () => close.disposeAsync(),
  };
}

const BOUND_AT_START = ["memoryBytes", "diskBytes", "processesMax"] as const;

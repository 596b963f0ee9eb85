import type { SandboxLimits } from "@tutti/core/sandbox";
import { seccompProfile } from "./seccomp-profile.ts";

/** Who programs are in a container: nobody that an image knows. */
export const PROGRAM_UID = 65_532;
/** Holds the working folder, and beside it what programs read as stdin. */
export const VOLUME_FOLDER = "/sandbox";
export const WORK_FOLDER = `${VOLUME_FOLDER}/work`;
/** Where the first process leaves the exit code of the program: over what stands there already, for the program may have left no room. */
export const STATUS_FILE = `${VOLUME_FOLDER}/status`;
/** By these labels leaked containers are found. */
export const OWNER_LABEL = "tutti.sandbox.owner";

/**
 * The first process of a container, which nothing in it can end. It waits for one line, "MARK COMMAND ENTRY"; runs the program; ends all that
 * the program left running; and says MARK on both outputs, behind which nothing comes. A program that says MARK itself ends its own run. Then it waits
 * to be removed, for the working folder is gone with it. A shell says "Killed" of a program that it runs in the foreground, hence the "&".
 */
const FIRST_PROCESS = `
read -r mark command entry || exit
cd ${WORK_FOLDER} && exec 3>&2 2>/dev/null
env -i PATH="$PATH" HOME=${WORK_FOLDER} TMPDIR=/tmp LANG=C.UTF-8 PYTHONDONTWRITEBYTECODE=1 "$command" "$entry" 2>&3 3>&- <../stdin &
wait "$!"
status=$?
kill -9 -1
for file in memory.peak memory/memory.max_usage_in_bytes; do [ -r /sys/fs/cgroup/$file ] && read -r peak </sys/fs/cgroup/$file; done
{ echo "$status" "\${peak:-0}"; times; } 1<>../status
printf %s "$mark"
printf %s "$mark" >&3
read -r end
`;

/** What containers of programs and of jails have in common. */
export interface ContainerBase {
  readonly image: string;
  /** The process it belongs to. */
  readonly owner: string;
  /** An OCI runtime that the engine knows, such as "runsc". */
  readonly runtime?: string;
  /** Podman has no volumes with options; it shows its tmpfs in archives instead. */
  readonly isPodman: boolean;
}

/** How a container is made. */
export interface ContainerSpec extends ContainerBase {
  readonly limits: SandboxLimits;
  /** What runs the program: "python3". */
  readonly command: string;
}

/** Of the temporary folder beside the working folder. */
const SHARED_MEMORY_BYTES_MAX = 16_777_216;
const OPEN_FILES_MAX = 1_024;
/** Beside the program: the shell that waits for it, which is the container's first process. */
const OWN_PROCESSES = 1;
/** A small file takes a page. */
const BYTES_PER_INODE = 4_096;

interface Ulimit {
  readonly Name: string;
  readonly Soft: number;
  readonly Hard: number;
}

type Body = Readonly<Record<string, unknown>> & {
  readonly HostConfig: Readonly<Record<string, unknown>> & { readonly Ulimits: readonly Ulimit[] };
};

/** A container that is shut off and bounded, whatever runs in it. Pure. */
export function baseBody(
  { image, owner, runtime, isPodman }: ContainerBase,
  { limits, ownProcesses }: { readonly limits: SandboxLimits; readonly ownProcesses: number },
): Body {
  const { diskBytes } = limits;
  return {
    Image: image,
    AttachStdin: true,
    OpenStdin: true,
    // When whoever is attached is gone, so is what it waits for.
    StdinOnce: true,
    Labels: { [OWNER_LABEL]: owner },
    NetworkDisabled: true,
    HostConfig: {
      ...(runtime === undefined ? {} : { Runtime: runtime }),
      NetworkMode: "none",
      IpcMode: "private",
      ReadonlyRootfs: true,
      CapDrop: ["ALL"],
      Memory: limits.memoryBytes,
      // The sum of memory and swap: no swap.
      MemorySwap: limits.memoryBytes,
      NanoCpus: Math.round(limits.cpus * 1e9),
      PidsLimit: limits.processesMax + ownProcesses,
      ShmSize: Math.min(SHARED_MEMORY_BYTES_MAX, diskBytes),
      Ulimits: [ulimit("core", 0), ulimit("fsize", diskBytes), ulimit("nofile", OPEN_FILES_MAX), ulimit("memlock", 65_536)],
      LogConfig: isPodman ? { Type: "k8s-file" } : { Type: "none" },
    },
  };
}

/** The body of `POST /containers/create`: an idle container into which one program will be put. Pure. */
export function containerBody({ limits, ...base }: ContainerSpec): Readonly<Record<string, unknown>> {
  const { diskBytes } = limits;
  const { HostConfig: hostConfig, ...body } = baseBody(base, { limits, ownProcesses: OWN_PROCESSES });
  return {
    ...body,
    Entrypoint: ["/bin/sh", "-c", FIRST_PROCESS],
    Cmd: [],
    User: `${PROGRAM_UID}:${PROGRAM_UID}`,
    WorkingDir: "/",
    HostConfig: {
      ...hostConfig,
      AutoRemove: true,
      SecurityOpt: ["no-new-privileges", `seccomp=${JSON.stringify(seccompProfile)}`],
      Tmpfs: { "/tmp": `size=${diskBytes},nr_inodes=${inodes(diskBytes)},mode=1777,nosuid,nodev` },
      Mounts: [base.isPodman ? podmanVolume(diskBytes) : volume(diskBytes)],
    },
  };
}

/** An engine keeps it mounted while its container runs, which is as long as its content is of use, and removes it with the container. */
function volume(diskBytes: number): unknown {
  const options = { type: "tmpfs", device: "tmpfs", o: `size=${diskBytes},nr_inodes=${inodes(diskBytes)},mode=0755,nosuid,nodev` };
  return { Type: "volume", Target: VOLUME_FOLDER, VolumeOptions: { NoCopy: true, DriverConfig: { Name: "local", Options: options } } };
}

function podmanVolume(diskBytes: number): unknown {
  return { Type: "tmpfs", Target: VOLUME_FOLDER, TmpfsOptions: { SizeBytes: diskBytes, Mode: 0o755 } };
}

/** How many files a file system of a size may hold. */
export function inodes(diskBytes: number): number {
  return Math.max(64, Math.ceil(diskBytes / BYTES_PER_INODE));
}

/** A bound of every process, as engines write it. */
export function ulimit(Name: string, value: number): Ulimit {
  return { Name, Soft: value, Hard: value };
}

import type { JailSpec, SandboxLimits } from "@tutti/core/sandbox";
import { baseBody, inodes, ulimit, type ContainerBase } from "./container.ts";
import { jailSeccompProfile } from "./seccomp-profile.ts";

/** Where things are inside. */
const INSIDE = { home: "/home/jail", temporary: "/tmp", node: "/opt/tutti-node/node", socket: "/run/tutti.sock" } as const;

/** Beside the program: the first shell, and the shell and the program that pass its stdin on. */
const OWN_PROCESSES = 4;

/** What the program hears nothing of: how long it may go on after whoever speaks to it is gone. */
const ALONE_SECONDS_MAX = 10;

/**
 * The first process of a jail, which nothing in it can end. It passes on what is said to the program and a wish that it end. When nobody can
 * speak to the program any more, because it is to end or because Tutti is gone, everything in the container ends soon.
 */
const FIRST_PROCESS = `
ulimit -c 0
exec 3<&0 </dev/null
mkfifo ${INSIDE.temporary}/stdin && exec 4<>${INSIDE.temporary}/stdin 5<${INSIDE.temporary}/stdin 6>${INSIDE.temporary}/stdin 4<&- || exit
rm ${INSIDE.temporary}/stdin
{ cat <&3; exec >&- 6>&-; sleep ${ALONE_SECONDS_MAX}; kill -9 -1; } >&6 2>/dev/null 5<&- &
"$@" <&5 3<&- 5<&- 6>&- &
program=$!
exec 3<&- 5<&- 6>&-
trap 'kill -TERM "$program"' TERM
wait "$program"
status=$?
while kill -0 "$program" 2>/dev/null; do wait "$program"; status=$?; done
exit "$status"
`;

/** How the container of a jail is made. */
export interface JailContainer extends ContainerBase {
  readonly spec: JailSpec;
  readonly limits: SandboxLimits;
  /** Whose the process is: the owner of its volume and of its socket. */
  readonly uid: number;
  /** Tutti's own Node, for machines whose programs the containers can run. */
  readonly node: string | undefined;
}

/** The body of `POST /containers/create` for a program that lives on: like a program's, with the folders and the socket that it may see. Pure. */
export function jailBody({ spec, limits, uid, node, ...base }: JailContainer): Readonly<Record<string, unknown>> {
  const { command, args, env = {}, mounts = [], cwd = INSIDE.home, volume, socketPath } = spec;
  const { HostConfig: hostConfig, ...body } = baseBody(base, { limits, ownProcesses: OWN_PROCESSES });
  const size = `size=${limits.diskBytes},nr_inodes=${inodes(limits.diskBytes)},mode=1777,nosuid,nodev`;
  const variables = {
    ...env,
    // The image's own Node before ours: that one was made for the image.
    PATH: "/usr/local/bin:/usr/bin:/bin:/opt/tutti-node",
    HOME: INSIDE.home,
    TMPDIR: INSIDE.temporary,
    LANG: "C.UTF-8",
    ...(socketPath !== undefined && { TUTTI_SOCKET: INSIDE.socket }),
  };
  return {
    ...body,
    Entrypoint: ["/bin/sh", "-c", FIRST_PROCESS, "sh"],
    Cmd: [command === process.execPath && node !== undefined ? INSIDE.node : command, ...args],
    User: `${uid}:${uid}`,
    WorkingDir: cwd,
    Env: Object.entries(variables).map(([name, value]) => `${name}=${value}`),
    HostConfig: {
      ...hostConfig,
      // How it ended is asked for afterwards.
      AutoRemove: false,
      SecurityOpt: ["no-new-privileges", `seccomp=${JSON.stringify(jailSeccompProfile(socketPath !== undefined))}`],
      Tmpfs: { [INSIDE.temporary]: size, ...(volume === undefined && { [INSIDE.home]: size }) },
      Mounts: [
        ...(node === undefined ? [] : [bind(node, INSIDE.node, false)]),
        ...(volume === undefined ? [] : [bind(volume.path, INSIDE.home, true)]),
        ...mounts.map(({ from, to, isWritable }) => bind(from, to, isWritable)),
        ...(socketPath === undefined ? [] : [bind(socketPath, INSIDE.socket, true)]),
      ],
      Ulimits: [
        ...hostConfig.Ulimits.filter(({ Name: name }) => name !== "fsize"),
        ulimit("fsize", Math.max(limits.diskBytes, volume?.quotaBytes ?? 0)),
      ],
    },
  };
}

function bind(from: string, to: string, isWritable: boolean): unknown {
  return { Type: "bind", Source: from, Target: to, ReadOnly: !isWritable };
}

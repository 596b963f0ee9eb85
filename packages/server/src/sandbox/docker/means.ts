import type { SandboxPromise } from "@tutti/core/sandbox";

/** By what a container holds each promise. */
export function meansOf(runtime: string | undefined): Readonly<Record<SandboxPromise["name"], string>> {
  const kernel = runtime === undefined ? "" : `, behind ${runtime}'s own kernel`;
  return {
    "no-network": `a network namespace with nothing in it, sockets of other families refused by seccomp${kernel}`,
    "no-host-files": `a read-only image and two tmpfs of their own${kernel}`,
    time: "the container is removed at its time",
    memory: "the container's memory cgroup, without swap",
    processes: "the container's pids cgroup",
    cpu: "the container's CPU quota",
    output: "the container is removed at the bound",
    "no-survivors": "processes end with the container's PID namespace",
    "clean-environment": "programs begin with six variables of the sandbox's own",
    "safe-files": "regular files out of the engine's archive, bounded while they are read",
  };
}

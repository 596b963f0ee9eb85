import type { SandboxBackendFactory } from "../backend.ts";
import { openContainers } from "../docker/index.ts";

/** What an engine calls gVisor's runtime, by how it was installed. */
const RUNTIMES = ["runsc", "gvisor", "runsc-systrap", "runsc-kvm", "runsc-ptrace"];

/** Backend E: each program in a container of its own, whose system calls gVisor's own kernel answers. */
export const gvisorBackend: SandboxBackendFactory = {
  name: "gvisor",
  level: "strangers",
  howToGet: "install gVisor (runsc) and make it known to Docker: runsc install, then start Docker anew",
  open: (options, signal) => openContainers(options, { name: "gvisor", level: "strangers", runtimes: RUNTIMES }, signal),
};

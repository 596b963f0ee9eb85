import type { SandboxBackendFactory } from "./backend.ts";
import { bubblewrapBackend } from "./bubblewrap/index.ts";
import { dockerBackend } from "./docker/index.ts";
import { gvisorBackend } from "./gvisor/index.ts";
import { landlockBackend } from "./landlock/index.ts";
import { remoteBackend } from "./remote/index.ts";
import { wasmBackend } from "./wasm/index.ts";

/** Every way to hold foreign code, in the order in which `auto` tries them. */
export const sandboxBackends: readonly SandboxBackendFactory[] = [
  bubblewrapBackend,
  landlockBackend,
  wasmBackend,
  dockerBackend,
  gvisorBackend,
  remoteBackend,
];

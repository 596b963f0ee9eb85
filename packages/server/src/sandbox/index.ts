export type { BackendOptions, OpenBackend, Program, SandboxBackendFactory } from "./backend.ts";
export { sandboxBackends } from "./backends.ts";
export { openSandbox, tryBackend, type Candidate, type SandboxOptions } from "./open-sandbox.ts";
export { DEFAULT_LIMITS, LIMIT_BOUNDS } from "./shared/limits.ts";
export { REMOTE_PATH, remoteRunSchema } from "./remote/protocol.ts";

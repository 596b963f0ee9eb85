export { sandboxBackends } from "./backends.ts";
export { openSandbox, tryBackend, type Candidate, type SandboxOptions } from "./open-sandbox.ts";
export { REMOTE_PATH, remoteRunSchema } from "./remote/protocol.ts";

// Loads what the server loads, so that its compiled form is kept: Node writes its compile cache when it ends well, which killed servers never do.
import "../../packages/server/src/http/index.ts";
import "../../packages/server/src/host/config/index.ts";
import "../../packages/server/src/telemetry/index.ts";
import "./plugin.ts";

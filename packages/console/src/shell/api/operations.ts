/**
 * Where each operation of the API that changes or starts something is done. A test holds this list against the API's description, so that
 * an operation without a way to it from the palette does not stay unseen.
 */
export type OperationEntry =
  /** On a page, which the palette leads to. */
  | { readonly at: "page"; readonly title: string; readonly to: string; readonly words?: string; readonly which?: Which }
  /** In a window made from the API's description. */
  | { readonly at: "window"; readonly title: string; readonly words?: string; readonly isDangerous?: true }
  /** Nowhere, because people do not do it. */
  | { readonly at: "programs"; readonly why: string };

/** What it is done with: that is chosen first, and opened with `search` in its address. */
export interface Which {
  readonly thing: "run" | "schedule" | "dead letter" | "agent" | "workflow" | "graph" | "key" | "plugin" | "MCP server" | "supervised work";
  readonly search?: Readonly<Record<string, string>>;
  /** Of runs, only those of graphs, whether they have a name here or came with their run. */
  readonly isOfGraph?: true;
}

type PageEntry = Extract<OperationEntry, { readonly at: "page" }>;

const page = (to: string, title: string, words = ""): PageEntry => ({ at: "page", to, title, words });
const which = (which: Which, entry: PageEntry): PageEntry => ({ ...entry, which });
const inWindow = (title: string, words = ""): OperationEntry => ({ at: "window", title, words });
const dangerous = (title: string, words = ""): OperationEntry => ({ at: "window", title, words, isDangerous: true });
const programs = (why: string): OperationEntry => ({ at: "programs", why });

const WIRE = "other programs' clients speak this format; Compare and Talk ask the same models and agents";
const FORMS = "a form with a file, which programs send; the console has no use for the answer";

/** Every operation with an effect, by its method and path. */
export const OPERATIONS: Readonly<Record<string, OperationEntry>> = {
  "POST /v1/agents/{name}/chat": which({ thing: "agent" }, page("/agents", "Talk to an agent", "chat ask question message")),

  "POST /v1/runs": which({ thing: "workflow" }, page("/workflows", "Start a run of a workflow", "new create")),
  "POST /v1/runs/bulk": page("/runs", "Cancel, retry or resume many runs", "bulk select all"),
  "POST /v1/runs/{id}/approvals/{key}": page("/approvals", "Approve or deny what runs ask", "answer question waiting"),
  "POST /v1/runs/{id}/cancel": which(
    { thing: "run", search: { do: "cancel" } },
    page("/runs?status=running,waiting,queued,paused", "Cancel a run", "stop end kill"),
  ),
  "POST /v1/runs/{id}/fork": which(
    { thing: "run", search: { do: "fork" } },
    page("/runs?status=failed", "Retry or fork a run", "again step time travel"),
  ),
  "POST /v1/runs/{id}/graph": which(
    { thing: "run", search: { tab: "graph", do: "amend" }, isOfGraph: true },
    page("/runs?status=running,waiting,queued,paused", "Amend a running graph", "change edit"),
  ),
  "POST /v1/runs/{id}/replay": which(
    { thing: "run", search: { do: "replay" } },
    page("/runs", "Replay a run", "verify deterministic again"),
  ),
  "POST /v1/runs/{id}/resume": which(
    { thing: "run", search: { do: "resume" } },
    page("/runs?status=paused", "Resume a paused run", "go on version"),
  ),
  "POST /v1/runs/{id}/signals/{name}": which(
    { thing: "run", search: { do: "signal" } },
    page("/runs?status=waiting,running", "Send a signal to a run", "message wake"),
  ),
  "POST /v1/prune": dangerous("Archive and remove runs that ended long ago", "prune retention delete old disk"),

  "POST /v1/graphs/check": page("/workflows", "Check a graph", "validate problems lint"),
  "POST /v1/graphs/runs": page("/workflows", "Start a graph as it stands in the editor", "run"),
  "POST /v1/graphs/{name}/runs": which({ thing: "graph" }, page("/workflows", "Start a saved graph", "run")),
  "PUT /v1/graphs/{name}": which({ thing: "graph", search: { tab: "edit" } }, page("/workflows", "Edit a graph", "save version draw node")),
  "DELETE /v1/graphs/{name}": which(
    { thing: "graph", search: { tab: "edit" } },
    page("/workflows", "Give up a saved graph", "delete remove workflow"),
  ),

  "POST /v1/schedules": page("/schedules?form=new", "Make a schedule", "cron timer every new create"),
  "POST /v1/schedules/preview": page("/schedules?form=new", "See when a schedule would be due", "preview cron next"),
  "POST /v1/schedules/{name}": which({ thing: "schedule", search: { form: "edit" } }, page("/schedules", "Edit a schedule", "change cron")),
  "POST /v1/schedules/{name}/delete": which({ thing: "schedule" }, page("/schedules", "Delete a schedule", "end remove")),
  "POST /v1/schedules/{name}/pause": which({ thing: "schedule" }, page("/schedules", "Pause a schedule", "stop hold")),
  "POST /v1/schedules/{name}/resume": which({ thing: "schedule" }, page("/schedules", "Resume a schedule", "go on")),
  "POST /v1/schedules/{name}/trigger": which({ thing: "schedule" }, page("/schedules", "Trigger a schedule now", "tick run")),

  "POST /v1/dead-letters/{id}/dismiss": which({ thing: "dead letter" }, page("/dead-letters", "Dismiss a dead letter", "leave")),
  "POST /v1/dead-letters/{id}/retry": which({ thing: "dead letter" }, page("/dead-letters", "Retry a dead letter", "again failed")),
  "POST /v1/supervisor": inWindow("Run a workflow or an agent under supervision", "supervise restart service"),
  "POST /v1/supervisor/{name}/resume": which(
    { thing: "supervised work" },
    page("/queues?tab=supervised", "Start supervised work again", "crash loop resume"),
  ),
  "POST /v1/supervisor/{name}/stop": which(
    { thing: "supervised work", search: { do: "stop" } },
    page("/queues?tab=supervised", "Stop supervised work", "cancel end"),
  ),

  "POST /v1/approvals/grants": page("/approvals?tab=grants", "Give a standing grant", "approve tool for some time"),
  "POST /v1/approvals/grants/{id}/approve": page("/approvals?tab=given", "Approve what somebody has approved", "second two"),
  "POST /v1/approvals/grants/{id}/revoke": page("/approvals?tab=given", "Revoke an approval", "end grant take back"),
  "POST /v1/tools/approve": page("/approvals?tab=given", "Approve one call of a tool before it is made", "once input"),
  "POST /v1/tools/execute": inWindow("Call a tool", "execute run try"),
  "POST /v1/tools/import": inWindow("Make tools of an OpenAPI description", "import api"),
  "DELETE /v1/tool-imports/{name}": dangerous("Take an import’s tools away", "openapi remove delete"),
  "POST /v1/policy/check": page("/settings/policy", "Check a policy", "validate rules"),
  "POST /v1/policy/explain": inWindow("Explain what policy would decide", "why rule allow deny ask"),
  "POST /v1/policy/reload": page("/settings/policy", "Read the policy’s files again", "reload rules"),
  "POST /v1/policy/replay": page("/settings/policy", "Try a policy on last week’s calls", "dry run replay what if"),

  "POST /v1/keys": page("/settings/budgets", "Make a key", "new create budget program"),
  "POST /v1/keys/{id}": which(
    { thing: "key", search: { do: "change" } },
    page("/settings/budgets", "Change a key or its budgets", "edit limits models rate"),
  ),
  "POST /v1/keys/{id}/revoke": which({ thing: "key", search: { do: "revoke" } }, page("/settings/budgets", "Revoke a key", "end delete")),
  "POST /v1/keys/{id}/rotate": which(
    { thing: "key", search: { do: "rotate" } },
    page("/settings/budgets", "Give a key another secret", "rotate renew"),
  ),
  "POST /v1/token/rotate": page("/settings/access", "Make a new owner’s token", "rotate secret"),
  "POST /v1/session": programs("signing in, which whoever sees the palette has done"),
  "DELETE /v1/session": page("/settings/access", "Sign out of this browser", "leave log out"),
  "DELETE /v1/sessions/{id}": page("/settings/access", "Sign another browser out", "session end"),
  "POST /v1/sandbox/examinations": page("/settings/sandbox", "Test every sandbox", "examine self-test isolation"),
  "POST /v1/sessions/invitations": page("/settings/access", "Sign another browser in", "link invite phone"),

  "POST /v1/plugins": inWindow("Load a plugin", "install add enable path"),
  "DELETE /v1/plugins/{name}": which(
    { thing: "plugin", search: { do: "remove" } },
    page("/settings/plugins", "Remove a plugin", "delete uninstall"),
  ),
  "POST /v1/plugins/{name}/disable": which({ thing: "plugin" }, page("/settings/plugins", "Disable a plugin", "off unload")),
  "POST /v1/plugins/{name}/enable": which(
    { thing: "plugin", search: { do: "enable" } },
    page("/settings/plugins", "Enable a plugin", "on grant load"),
  ),
  "POST /v1/panels/{plugin}/{panel}/data": programs("a panel asks for its own data when it is shown"),

  "POST /v1/mcp/servers": page("/settings/mcp", "Add an MCP server", "use tools connect"),
  "DELETE /v1/mcp/servers/{name}": which(
    { thing: "MCP server", search: { do: "remove" } },
    page("/settings/mcp", "Remove an MCP server", "delete"),
  ),
  "POST /v1/mcp/servers/{name}/approve": which(
    { thing: "MCP server", search: { do: "tools" } },
    page("/settings/mcp", "Approve an MCP server’s tools", "pin look"),
  ),
  "POST /v1/mcp/servers/{name}/login": inWindow("Log in for an MCP server", "oauth authorize sign in"),
  "POST /v1/mcp/servers/{name}/test": which({ thing: "MCP server" }, page("/settings/mcp", "Test an MCP server", "connect check")),
  "POST /mcp": programs("the Model Context Protocol, spoken by agents of others"),
  "DELETE /mcp": programs("the Model Context Protocol, spoken by agents of others"),

  "POST /v1/events": inWindow("Publish an event", "send emit cloudevents"),
  "POST /v1/subscriptions": inWindow("Subscribe to events", "listen start workflow on event"),
  "POST /v1/subscriptions/{name}/ack": inWindow("Acknowledge events of a subscription", "pull position done"),
  "POST /v1/subscriptions/{name}/delete": dangerous("Delete a subscription", "events end remove"),
  "POST /v1/subscriptions/{name}/pause": inWindow("Pause a subscription", "events hold stop"),
  "POST /v1/subscriptions/{name}/resume": inWindow("Resume a subscription", "events go on"),
  "POST /v1/subscriptions/{name}/rewind": inWindow("Rewind a subscription", "events deliver again position"),
  "POST /v1/webhooks/secret": inWindow("Show what signs webhooks to an address", "secret signature"),
  "POST /webhooks/{name}": programs("what other systems send; its signature is its credential"),

  "PUT /v1/views/{name}": page("/runs", "Save what the list shows as a view", "saved filter bookmark"),
  "DELETE /v1/views/{name}": page("/runs", "Delete a saved view", "filter bookmark remove"),

  "POST /v1/cache/clear": dangerous("Clear the cache of answers", "throw away models"),
  "POST /v1/model-loads": inWindow("Load a model into memory", "warm provider ollama"),
  "POST /v1/model-unloads": inWindow("Take a model out of memory", "unload free"),
  "POST /v1/model-pulls": inWindow("Download a model", "pull provider ollama"),
  "POST /v1/model-removals": dangerous("Delete a model from its provider’s disk", "remove ollama"),
  "POST /v1/model-plans": inWindow("Show where a request to a model would go", "route plan provider why"),
  "POST /v1/route": inWindow("Show where a text would be routed", "policy intent tool agent why"),
  "POST /query": inWindow("Route a text and run what it leads to", "ask intent"),
  "POST /v1/rerank": page("/data?tab=search", "Search runs by meaning", "rerank embeddings documents"),
  "POST /v1/chat/completions": page("/compare", "Ask two models one prompt", "chat completion compare"),
  "POST /v1/moderations": inWindow("Check whether a text is harmful", "moderation safety"),
  "POST /v1/embeddings": inWindow("Turn texts into vectors", "embedding embed"),
  "POST /v1/images/generations": inWindow("Make a picture from words", "image generate"),

  "POST /v1/batches": inWindow("Ask models the requests of a file", "batch"),
  "POST /v1/batches/{id}/cancel": dangerous("Stop a batch", "cancel"),
  "POST /v1/messages/batches/{id}/cancel": dangerous("Stop a batch of messages requests", "cancel anthropic"),
  "DELETE /v1/files/{id}": dangerous("Delete a batch’s file", "remove upload"),
  "POST /v1/responses/{id}/cancel": dangerous("Stop a response made in the background", "cancel"),
  "DELETE /v1/responses/{id}": dangerous("Forget a response", "delete remove"),

  "POST /v1/files": programs(FORMS),
  "POST /v1/audio/transcriptions": programs(FORMS),
  "POST /v1/audio/translations": programs(FORMS),
  "POST /v1/images/edits": programs(FORMS),
  "POST /v1/audio/speech": programs("its answer is sound, which the palette’s window cannot play"),
  "POST /v1/completions": programs(WIRE),
  "POST /v1/messages": programs(WIRE),
  "POST /v1/messages/batches": programs(WIRE),
  "POST /v1/messages/count_tokens": programs(WIRE),
  "POST /v1/responses": programs(WIRE),
  "POST /v1/responses/compact": programs(WIRE),
  "POST /v1/responses/input_tokens": programs(WIRE),
  "POST /api/chat": programs(WIRE),
  "POST /api/embed": programs(WIRE),
  "POST /api/generate": programs(WIRE),
  "POST /api/show": programs(WIRE),
  "POST /v2/rerank": programs(WIRE),
  "POST /echo": programs("sends back what it was sent, for whoever sets up a proxy"),
};

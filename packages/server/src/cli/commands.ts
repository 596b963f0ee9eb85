import type { Command } from "commander";
import type { Shell } from "./shell.ts";

/** Adds a command's arguments, options, help and action to `command`. */
type Define = (command: Command, shell: Shell) => void;

/** A command as the list of commands shows it; what it does is loaded when it is called. */
export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<Define>;
}

/** All commands, in the order in which a newcomer needs them. */
export const COMMANDS: readonly CommandEntry[] = [
  { name: "up", summary: "start Tutti and serve until stopped", load: async () => (await import("./commands/up.ts")).defineUp },
  {
    name: "open",
    summary: "a link that signs a browser in to the web console",
    load: async () => (await import("./commands/open.ts")).defineOpen,
  },
  {
    name: "run",
    summary: "run a workflow, or go on with one that was interrupted",
    load: async () => (await import("./commands/run.ts")).defineRun,
  },
  { name: "chat", summary: "talk to an agent", load: async () => (await import("./commands/chat.ts")).defineChat },
  { name: "runs", summary: "list, show, watch, cancel and replay runs", load: async () => (await import("./commands/runs.ts")).defineRuns },
  {
    name: "approvals",
    summary: "what runs ask of people: list and answer",
    load: async () => (await import("./commands/approvals.ts")).defineApprovals,
  },
  {
    name: "graphs",
    summary: "check, run, show and amend graphs",
    load: async () => (await import("./commands/graphs.ts")).defineGraphs,
  },
  {
    name: "workflows",
    summary: "list workflows, what makes one slow, and what would help",
    load: async () => (await import("./commands/insight.ts")).defineWorkflows,
  },
  {
    name: "schedules",
    summary: "start workflows at given times",
    load: async () => (await import("./commands/schedules.ts")).defineSchedules,
  },
  {
    name: "supervisor",
    summary: "restart workflows that fail, and see which crash",
    load: async () => (await import("./commands/supervisor.ts")).defineSupervisor,
  },
  {
    name: "dead-letters",
    summary: "work that failed for good: look, retry, dismiss",
    load: async () => (await import("./commands/dead-letters.ts")).defineDeadLetters,
  },
  {
    name: "events",
    summary: "publish, follow and subscribe to events",
    load: async () => (await import("./commands/events.ts")).defineEvents,
  },
  {
    name: "webhooks",
    summary: "webhooks that come in and go out",
    load: async () => (await import("./commands/webhooks.ts")).defineWebhooks,
  },
  { name: "queues", summary: "how full the queues are", load: async () => (await import("./commands/queues.ts")).defineQueues },
  {
    name: "health",
    summary: "how each part is, and what to do about it",
    load: async () => (await import("./commands/supervisor.ts")).defineHealth,
  },
  {
    name: "models",
    summary: "list, pull, load, test and measure models",
    load: async () => (await import("./commands/models.ts")).defineModels,
  },
  {
    name: "keys",
    summary: "keys to the gateway: make, change, rotate, revoke",
    load: async () => (await import("./commands/keys.ts")).defineKeys,
  },
  { name: "token", summary: "make a new token", load: async () => (await import("./commands/token.ts")).defineToken },
  {
    name: "cache",
    summary: "models' answers that are kept: see and clear them",
    load: async () => (await import("./commands/cache.ts")).defineCache,
  },
  { name: "spend", summary: "what was spent, by whom and on what", load: async () => (await import("./commands/spend.ts")).defineSpend },
  { name: "agents", summary: "list the agents", load: async () => (await import("./commands/agents.ts")).defineAgents },
  {
    name: "mcp",
    summary: "serve MCP over stdio, use other MCP servers",
    load: async () => (await import("./commands/mcp.ts")).defineMcp,
  },
  {
    name: "tools",
    summary: "list, show, call, import and test tools",
    load: async () => (await import("./commands/tools.ts")).defineTools,
  },
  { name: "route", summary: "where a text would go, and why", load: async () => (await import("./commands/route.ts")).defineRoute },
  {
    name: "sandbox",
    summary: "where code runs: look at it, run a program",
    load: async () => (await import("./commands/sandbox.ts")).defineSandbox,
  },
  {
    name: "plugins",
    summary: "plugins: make, add, enable, look after, remove",
    load: async () => (await import("./commands/plugins.ts")).definePlugins,
  },
  {
    name: "policy",
    summary: "what may be done: check, explain, diff, replay",
    load: async () => (await import("./commands/policy.ts")).definePolicy,
  },
  {
    name: "receipt",
    summary: "show what a run did, and verify that its log is whole",
    load: async () => (await import("./commands/receipt.ts")).defineReceipt,
  },
  { name: "config", summary: "show and check the configuration", load: async () => (await import("./commands/config.ts")).defineConfig },
  {
    name: "doctor",
    summary: "check that everything Tutti needs is there",
    load: async () => (await import("./commands/doctor.ts")).defineDoctor,
  },
  {
    name: "backup",
    summary: "copy the data folder, also while Tutti runs",
    load: async () => (await import("./commands/backup.ts")).defineBackup,
  },
  {
    name: "prune",
    summary: "archive and remove runs that ended long ago",
    load: async () => (await import("./commands/prune.ts")).definePrune,
  },
  {
    name: "restore",
    summary: "put a backup in the data folder's place",
    load: async () => (await import("./commands/restore.ts")).defineRestore,
  },
  { name: "version", summary: "print the version", load: async () => (await import("./commands/version.ts")).defineVersion },
];

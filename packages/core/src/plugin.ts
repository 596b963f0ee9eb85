import type { AgentSpec } from "./agent.ts";
import type { Json } from "./json.ts";
import type { Model } from "./model.ts";
import type { Panel } from "./plugin/panel.ts";
import type { Policy } from "./policy/decide.ts";
import type { Tool } from "./tool.ts";
import type { Workflow } from "./workflow.ts";

/** What a plugin's module exports as `plugin`: data the host registers. It never hooks into the line. */
export interface Plugin {
  readonly name: string;
  /** Shown to people. */
  readonly version?: string;
  /** Agents, or URLs of their YAML files. */
  readonly agents?: readonly (AgentSpec | URL)[];
  readonly models?: readonly Model[];
  readonly tools?: readonly Tool[];
  readonly workflows?: readonly Workflow[];
  readonly policies?: readonly Policy[];
  /** Skills, as URLs of their folders, each with a SKILL.md. */
  readonly skills?: readonly URL[];
  /** Graph workflows, as URLs of their YAML or JSON files. */
  readonly graphs?: readonly URL[];
  /** Schedules, as `POST /v1/schedules` takes them. */
  readonly schedules?: readonly Json[];
  /** Subscriptions to events, as `POST /v1/subscriptions` takes them. */
  readonly subscriptions?: readonly Json[];
  /** Panels of the console. */
  readonly panels?: readonly Panel[];
}

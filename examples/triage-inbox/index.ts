import type { Plugin, Policy } from "@tutti/core";
import { listMails, readMail, writeReport } from "./tools.ts";
import { triageInbox } from "./workflow.ts";

const tools = [listMails, readMail, writeReport];
const names = new Set(tools.map(({ name }) => name));

/** Tools that are not built in are refused until somebody allows them. */
const allowOwnTools: Policy = ({ kind, resource }) =>
  kind === "tool.call" && names.has(resource)
    ? { effect: "allow", reason: "the triage plugin brings this tool", rule: "triage-inbox" }
    : undefined;

/** Everything this folder adds to Tutti. */
export const plugin: Plugin = { name: "triage-inbox", tools, workflows: [triageInbox], policies: [allowOwnTools] };

import { queryOptions } from "@tanstack/react-query";
import type { ApprovalEntry } from "@tutti/client";
import type { Event } from "@tutti/core";
import { client } from "../../server.ts";
import { approvalId } from "./approval-words.ts";

const PAGE = 1000;
/** Pages of a run's log that are looked through for answers. */
const PAGES_MAX = 20;

/** Who has approved the input that is asked about now. Only worth asking where more than one has to. */
export const answersQuery = (approval: ApprovalEntry) =>
  queryOptions({
    queryKey: ["approvals given", approvalId(approval)],
    enabled: (approval.approvalsMin ?? 1) > 1,
    queryFn: async ({ signal }) => approversOf(await readAll(approval.runId, signal), approval),
  });

/** Those who approved at a key, since the input was last changed. */
function approversOf(events: readonly Event[], { key, call }: Pick<ApprovalEntry, "key" | "call">): readonly string[] {
  const answers = events.filter((event) => event.type === "approval.answered" && event.key === key && event.approved);
  return answers.flatMap((event) => {
    if (event.type !== "approval.answered") return [];
    const hash = event.edited?.argsHash ?? event.argsHash;
    return call === undefined || hash === call.argsHash ? [event.by] : [];
  });
}

async function readAll(runId: string, signal: AbortSignal): Promise<readonly Event[]> {
  const events: Event[] = [];
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const next = await client.events(runId, { after: events.length, limit: PAGE }, signal);
    events.push(...next);
    if (next.length < PAGE) break;
  }
  return events;
}

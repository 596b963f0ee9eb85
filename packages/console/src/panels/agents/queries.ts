import { queryOptions } from "@tanstack/react-query";
import type { RunRecord } from "@tutti/core";
import { queryClient } from "../../query-client.ts";
import { runInputQuery } from "../../queries.ts";
import { client } from "../../server.ts";
import { readAnswer } from "./answer-reading.ts";
import { conversationsOf, messagesOf, type AskedRun, type Conversation } from "./conversations.ts";

/** Runs of an agent that its conversations are read from, at first and with each "older". */
const RUNS_STEP = 30;
/** Events of an answer that are read; agents end long before. */
const ANSWER_EVENTS_MAX = 1000;

/** One agent. */
export const agentQuery = (name: string) =>
  queryOptions({ queryKey: ["agent", name], queryFn: ({ signal }) => client.agent(name, signal) });

/** Conversations with an agent, whoever had them and wherever: they are its runs. */
export const conversationsQuery = (agent: string, steps: number) =>
  queryOptions({
    queryKey: ["conversations", agent, steps],
    queryFn: async ({ signal }): Promise<{ readonly conversations: readonly Conversation[]; readonly hasMore: boolean }> => {
      const { runs, nextBefore } = await client.runs({ workflow: agent, limit: RUNS_STEP * steps }, signal);
      const asked = await Promise.all(runs.map(askedOf));
      return { conversations: conversationsOf(asked), hasMore: nextBefore !== null };
    },
  });

async function askedOf(run: RunRecord): Promise<AskedRun> {
  return { run, messages: messagesOf(await queryClient.fetchQuery(runInputQuery(run.id))) };
}

/** All that an answer's run has told. */
export const answerEventsQuery = (runId: string) =>
  queryOptions({
    queryKey: ["answer-events", runId],
    queryFn: ({ signal }) => client.events(runId, { limit: ANSWER_EVENTS_MAX }, signal),
  });

/** What one run asks of people. */
export const approvalsOfRunQuery = (runId: string) =>
  queryOptions({ queryKey: ["approvals", "run", runId], queryFn: ({ signal }) => client.approvals({ run: runId }, signal) });

/** What an answer cost in US dollars, null as long as its price is not known. */
export const costOfRunQuery = (runId: string) =>
  queryOptions({
    queryKey: ["run-cost", runId],
    queryFn: async ({ signal }): Promise<number | null> => {
      const events = await client.events(runId, { limit: ANSWER_EVENTS_MAX }, signal);
      return readAnswer(events).usage?.costUsd ?? null;
    },
  });

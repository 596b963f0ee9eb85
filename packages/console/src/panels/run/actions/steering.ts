import { queryOptions } from "@tanstack/react-query";
import { AppError, type Json } from "@tutti/core";
import { client } from "../../../server.ts";
import type { RunFacts } from "../run-facts.ts";
import { wholeValue } from "../stored-value.tsx";

/** What one run asks of people. `events` is how far its log has come. */
export const runApprovalsQuery = (runId: string, events: number) =>
  queryOptions({ queryKey: ["approvals", "of", runId, events], queryFn: ({ signal }) => client.approvals({ run: runId }, signal) });

/** Starts a run of the same workflow with the same input; returns its id. A graph that came with its run is started with the graph. */
export async function startAgain({ workflow, input }: Pick<RunFacts, "workflow" | "input">): Promise<string> {
  const whole = await wholeValue(input);
  if (workflow !== "tutti.graph") return (await client.startRun({ workflow, input: whole })).run.id;
  const { graph, input: given } = whole as { readonly graph: Json; readonly input?: Json };
  return (await client.startGraph({ text: JSON.stringify(graph), input: given ?? null })).run.id;
}

/** The value that a text holds, or what is wrong with it. */
export function readJson(text: string): { readonly ok: true; readonly value: Json } | { readonly ok: false; readonly problem: string } {
  try {
    return { ok: true, value: JSON.parse(text) as Json };
  } catch (thrown) {
    return { ok: false, problem: `wanted JSON: ${AppError.from(thrown).message}` };
  }
}

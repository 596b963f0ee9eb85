import { queryOptions } from "@tanstack/react-query";
import type { Json } from "@tutti/core";
import { client } from "../../../server.ts";
import { wholeValue } from "../../../stored-values.ts";
import type { RunFacts } from "../run-facts.ts";

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

import { AppError, type EventBody, type Json } from "@tutti/core";
import type { Workbench } from "./operations/index.ts";

/** The event that ends a run which gave this. An output that cannot be recorded is a failure. */
export async function completionOf(output: Json, { host, engine, run, taint }: Workbench): Promise<EventBody> {
  try {
    // Before the end is in the log: whoever has the output may send it back in the next moment.
    const { workflow, principal, input } = run;
    await engine.onOutput?.({ workflow: workflow.name, principal, input, output, tainted: taint.sources });
    return { type: "run.completed", output: await host.toJournal(output) };
  } catch (thrown) {
    const { code, message } = AppError.from(thrown);
    return { type: "run.failed", code, message };
  }
}

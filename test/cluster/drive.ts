import { AppError, type Engine, type Json } from "@tutti/core";
import { derivedId } from "../../packages/server/src/engine/run-id.ts";
import { KILLED_RUNS, KILLED_WORDS } from "./workflows.ts";

const owner = { id: "owner", tenant: "default", roles: ["owner"] };
const never = new AbortController().signal;

/** Starts the runs of the test, or finds them started, sends their signals and returns how each ended. Doing it again changes nothing. */
export async function driveKilledRuns(engine: Engine): Promise<Json> {
  return Promise.all(
    KILLED_RUNS.map(async ({ workflow, input }) => {
      const runId = derivedId(`killed ${workflow}`);
      await engine.start(workflow, input, { principal: owner, runId });
      if (workflow === "signals") await sendWords(engine, runId);
      const output = await engine.result(runId, never).catch((error: unknown) => {
        const { code, message } = AppError.from(error);
        return { code, message };
      });
      return { workflow, output };
    }),
  );
}

/** One after the other, so that they keep their order. */
async function sendWords(engine: Engine, runId: string): Promise<void> {
  for (const [index, value] of KILLED_WORDS.entries()) {
    // The run may have had them all and ended.
    await engine.signal(runId, { name: "word", value, id: `word ${index}` }, owner).catch((error: unknown) => {
      if (AppError.from(error).code !== "conflict") throw error;
    });
  }
}

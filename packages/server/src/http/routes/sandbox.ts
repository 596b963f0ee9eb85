import { Hono } from "hono";
import { z } from "zod";
import { examineSandboxes, type App, type SandboxExamination } from "../../host/index.ts";
import type { HttpEnv } from "../env.ts";
import { operation } from "../openapi.ts";

const Report = z.object({
  backend: z.string(),
  level: z.string(),
  languages: z.array(z.string()),
  jails: z.boolean(),
  promises: z.array(z.object({ name: z.string(), holds: z.boolean(), detail: z.string() })),
});
const Examined = z.object({
  level: z.string(),
  setting: z.string(),
  backends: z.array(
    z.object({
      backend: z.string(),
      status: z.enum(["ready", "failed", "missing"]),
      report: Report.exactOptional(),
      reason: z.string().exactOptional(),
      howToGet: z.string(),
    }),
  ),
});
/** The self-tests of all sandboxes together take seconds, not minutes. */
const EXAMINATION_MS_MAX = 300_000;

/** What `tutti sandbox doctor` does, for pages: each sandbox of this machine is opened, tested and closed. */
export function sandboxRoutes(app: App): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();
  // Self-tests fill cores: everybody who asks while they run gets the same answer.
  let running: Promise<readonly SandboxExamination[]> | undefined;
  const examine = async (): Promise<readonly SandboxExamination[]> => {
    const found: SandboxExamination[] = [];
    for await (const one of examineSandboxes(app.config, [], AbortSignal.timeout(EXAMINATION_MS_MAX))) found.push(one);
    return found;
  };
  routes.post(
    "/v1/sandbox/examinations",
    operation({ tag: "Health", summary: "Test every sandbox of this machine now, and tell what each promises", response: Examined }),
    async (ctx) => {
      running ??= examine().finally(() => {
        running = undefined;
      });
      return ctx.json({ level: app.config.sandboxLevel, setting: app.config.sandbox, backends: await running });
    },
  );
  return routes;
}

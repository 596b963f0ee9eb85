// A subject in a process of its own, so that none pays for another's garbage or threads: `node subject-process.ts MODULE FOLDER`.
import { measure, type Load, type Measured } from "./measure.ts";
import type { Subject } from "./subject.ts";

/** What the bench asks of a subject's process. */
export type Request = { readonly type: "measure"; readonly load: Load } | { readonly type: "close" };

/** The process's answer. `opened` comes once, first; `closed` comes last. */
export type Answer =
  | ({ readonly type: "opened" } & Pick<Subject, "name" | "version" | "settings">)
  | { readonly type: "measured"; readonly measured: Measured }
  | { readonly type: "failed"; readonly message: string }
  | { readonly type: "closed" };

const [, , module = "", folder = ""] = process.argv;

try {
  const { open } = (await import(module)) as { readonly open: (folder: string) => Promise<Subject> };
  const subject = await open(folder);
  const { name, version, settings } = subject;
  // Without the bench nobody would stop the servers that a subject started.
  process.once("disconnect", () => void close(subject));
  process.on("message", (request: Request) => void answerTo(request, subject));
  answer({ type: "opened", name, version, settings });
} catch (error) {
  answer({ type: "failed", message: messageOf(error) });
  process.disconnect();
}

async function answerTo(request: Request, subject: Subject): Promise<void> {
  if (request.type === "close") return close(subject);
  try {
    answer({ type: "measured", measured: await measure(subject, request.load) });
  } catch (error) {
    answer({ type: "failed", message: messageOf(error) });
  }
}

async function close(subject: Subject): Promise<void> {
  try {
    await subject[Symbol.asyncDispose]();
  } finally {
    if (process.connected) process.send?.({ type: "closed" } satisfies Answer, () => process.exit());
    else process.exit();
  }
}

function answer(message: Answer): void {
  process.send?.(message);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

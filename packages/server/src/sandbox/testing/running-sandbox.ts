// A process with a program in its sandbox, for tests that end it without warning. Says "running" when the program runs.
import { openSandbox } from "../index.ts";

const [, , backend] = process.argv;
const sandbox = await openSandbox(
  { backends: [backend === "landlock" ? "landlock" : "bubblewrap"], level: "soft" },
  new AbortController().signal,
);
const code = "sleep 300 & sleep 301";
process.stdout.write(`running ${sandbox.report.backend}\n`);
await sandbox.run({ language: "shell", code, limits: { runTimeoutMs: 300_000 } }, new AbortController().signal);

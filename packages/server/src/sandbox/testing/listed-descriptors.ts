// A process that prints which descriptors its sandboxed programs have: of one that runs, and of one that lives on. For tests that hand it some.
import { openSandbox } from "../index.ts";

const never = new AbortController().signal;
const LIST = "for name in /proc/self/fd/*; do printf '%s ' ${name##*/}; done";
const sandbox = await openSandbox({ backends: ["bubblewrap"], level: "soft" }, never);
const { stdout } = await sandbox.run({ language: "shell", code: LIST }, never);
const jail = await sandbox.jail({ command: "/bin/bash", args: ["-c", LIST] }, never);
let said = "";
for await (const bytes of jail.output) said += Buffer.from(bytes).toString();
await sandbox.close();
process.stdout.write(JSON.stringify({ program: stdout.trim().split(" "), jail: said.trim().split(" ") }));

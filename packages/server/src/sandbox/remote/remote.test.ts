import assert from "node:assert/strict";
import { after, test } from "node:test";
import { sandboxConformance } from "../conformance.ts";
import { openSandbox, tryBackend } from "../open-sandbox.ts";
import { DEFAULT_LIMITS } from "../shared/limits.ts";
import { readProgram } from "../shared/program.ts";
import { startRemoteSandbox } from "../../testing/remote-sandbox.ts";
import { remoteBackend } from "./index.ts";

const program = readProgram({ language: "python", code: "" }, DEFAULT_LIMITS);
const wholeResult = {
  reason: "exit",
  exitCode: 0,
  signal: null,
  stdout: "",
  stderr: "",
  truncated: { stdout: false, stderr: false, files: false },
  usage: { startMs: 0, wallMs: 0, cpuMs: 0, memoryPeakBytes: 0 },
};

const never = new AbortController().signal;
const holder = await openSandbox({ backends: ["bubblewrap"], level: "soft" }, never);
const server = await startRemoteSandbox(holder, "a-token");
after(async () => {
  await server[Symbol.asyncDispose]();
  await holder.close();
});

sandboxConformance(remoteBackend, { languages: ["python", "javascript", "typescript", "shell"], options: { remoteUrl: server.url } });

test("a server that is not there, and one that refuses, say so when they are opened", async () => {
  const open = (remoteUrl: string) => tryBackend(remoteBackend, { backends: ["remote"], level: "soft", remoteUrl }, never);
  for (const url of ["http://127.0.0.1:9", server.url.replace("a-token", "another")]) {
    const candidate = await open(url);
    assert.ok(candidate.status === "missing" && /remote sandbox/.test(candidate.reason));
  }
});

test("answers that the protocol does not know are the sandbox's fault, and files cannot leave their folder", async () => {
  const backend = await remoteBackend.open({ limits: DEFAULT_LIMITS, folder: "/nonexistent", warmMax: 0, remoteUrl: server.url }, never);
  const wrong = [
    { status: 500, text: "broken" },
    { status: 200, text: "{" },
    { status: 200, text: JSON.stringify({ reason: "fine" }) },
    { status: 200, text: JSON.stringify({ ...wholeResult, files: { "../out": "" } }) },
  ];
  for (const next of wrong) {
    server.answerNext(next);
    const result = await backend.run(program, never);
    assert.equal(result.reason, "infra", next.text);
    assert.notEqual(result.hint?.message, undefined);
  }
  await backend.close();
});

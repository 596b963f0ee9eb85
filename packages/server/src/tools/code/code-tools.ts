import { createHash } from "node:crypto";
import { AppError, canonicalJson, type Tool } from "@tutti/core";
import type { Sandbox, SandboxLanguage, SandboxLimits, SandboxReport, SandboxRequest, SandboxResult } from "@tutti/core/sandbox";
import { z } from "zod";
import { defineTool, type ToolCall } from "../define-tool.ts";

const CODE_CHARACTERS_MAX = 200_000;
const EXPRESSION_CHARACTERS_MAX = 10_000;
const FILE_CHARACTERS_MAX = 1_000_000;
const TIMEOUT_MS_MAX = 600_000;

/** What goes back to a model is smaller than what a program may produce elsewhere. */
const TOOL_LIMITS = { outputBytes: 65_536, fileBytes: 262_144, filesMax: 16 } as const satisfies Partial<SandboxLimits>;

const files = z
  .record(z.string().max(1_024), z.string().max(FILE_CHARACTERS_MAX))
  .exactOptional()
  .describe("Text files for the program's working folder, by relative name.");
const stdin = z.string().max(FILE_CHARACTERS_MAX).exactOptional().describe("What the program reads on stdin.");
const timeoutMs = z.int().min(10).max(TIMEOUT_MS_MAX).exactOptional().describe("Milliseconds after which the program is ended.");

const fileSchema = z.object({ name: z.string(), bytes: z.int(), text: z.string().exactOptional(), base64: z.string().exactOptional() });

const output = z.object({
  reason: z.enum(["exit", "timeout", "oom", "output", "policy", "infra"]),
  exitCode: z.int().nullable(),
  signal: z.string().nullable(),
  hint: z.object({ errno: z.string(), message: z.string() }).exactOptional(),
  stdout: z.string(),
  stderr: z.string(),
  truncated: z.object({ stdout: z.boolean(), stderr: z.boolean(), files: z.boolean() }),
  files: z.array(fileSchema),
  usage: z.object({ startMs: z.number(), wallMs: z.number(), cpuMs: z.number(), memoryPeakBytes: z.number() }),
  sandbox: z
    .object({ backend: z.string(), level: z.string(), promises: z.string() })
    .describe("Where it ran, and the SHA-256 of what that promised (`/health` shows it)."),
});

type Output = z.output<typeof output>;

const EXECUTE = { effect: "execute", isIdempotent: true, isUntrusted: true } as const;

/** The tools that run code. They run it in a sandbox or not at all. */
export function codeTools(getSandbox: () => Promise<Sandbox>): readonly Tool[] {
  return [pythonEval(getSandbox), pythonExec(getSandbox), jsExec(getSandbox)];
}

function pythonEval(getSandbox: () => Promise<Sandbox>): Tool {
  return defineTool({
    ...EXECUTE,
    name: "python_eval",
    description: "Evaluates one Python expression in a sandbox without network, and gives its value: `result` as Python writes it.",
    input: z.strictObject({
      expression: z.string().min(1).max(EXPRESSION_CHARACTERS_MAX).describe("A Python expression, such as sum(range(10))."),
      timeoutMs,
    }),
    output: output.extend({ result: z.string().exactOptional(), value: z.json().exactOptional() }),
    examples: [{ input: { expression: "2 ** 100" } }],
    run: async ({ expression, timeoutMs: wanted }, call) => {
      const request = { language: "python", code: EVALUATE, files: { "expression.txt": expression } } as const;
      const { result, where } = await runCode(getSandbox, { ...request, limits: limitsOf(wanted) }, call);
      const { [VALUE_FILE]: written, ...rest } = result.files;
      const found = result.exitCode === 0 && written !== undefined ? readValue(written) : undefined;
      return { ...toOutput({ ...result, files: rest }, request, where), ...found };
    },
  });
}

const VALUE_FILE = "value.json";
const EVALUATE = `
import json, math
with open("expression.txt") as file: source = file.read()
value = eval(compile(source.strip(), "<expression>", "eval"), {"__name__": "__main__", "math": math})
found = {"result": repr(value)[:60000]}
try:
    json.dumps(value, allow_nan=False)
    found["value"] = value
except (TypeError, ValueError, RecursionError): pass
with open("${VALUE_FILE}", "w") as file: json.dump(found, file)
`;

const valueSchema = z.object({ result: z.string(), value: z.json().exactOptional() });

/** What the program wrote is as untrusted as the program. */
function readValue(bytes: Uint8Array): z.output<typeof valueSchema> | undefined {
  try {
    return valueSchema.parse(JSON.parse(Buffer.from(bytes).toString()));
  } catch {
    return undefined;
  }
}

function pythonExec(getSandbox: () => Promise<Sandbox>): Tool {
  return defineTool({
    ...EXECUTE,
    name: "python_exec",
    description:
      "Runs a Python program in a sandbox without network. Gives stdout, stderr, the exit code and the files it wrote to its working folder.",
    input: z.strictObject({ code: z.string().max(CODE_CHARACTERS_MAX).describe("The program."), files, stdin, timeoutMs }),
    output,
    examples: [{ input: { code: "print(sum(range(10)))" } }],
    run: (input, call) => runProgram(getSandbox, { ...input, language: "python" }, call),
  });
}

function jsExec(getSandbox: () => Promise<Sandbox>): Tool {
  return defineTool({
    ...EXECUTE,
    name: "js_exec",
    description:
      "Runs a JavaScript or TypeScript program in a sandbox without network. Gives stdout, stderr, the exit code and the files it wrote to its working folder.",
    input: z.strictObject({
      code: z.string().max(CODE_CHARACTERS_MAX).describe("The program."),
      language: z.enum(["javascript", "typescript"]).default("javascript"),
      files,
      stdin,
      timeoutMs,
    }),
    output,
    examples: [{ input: { code: "console.log([3, 1, 2].toSorted())" } }],
    run: (input, call) => runProgram(getSandbox, input, call),
  });
}

interface ProgramInput {
  readonly language: SandboxLanguage;
  readonly code: string;
  readonly files?: Readonly<Record<string, string>> | undefined;
  readonly stdin?: string | undefined;
  readonly timeoutMs?: number | undefined;
}

async function runProgram(getSandbox: () => Promise<Sandbox>, input: ProgramInput, call: ToolCall): Promise<Output> {
  const { language, code, files: given = {}, stdin: text = "", timeoutMs: wanted } = input;
  const request = { language, code, files: given, stdin: text, limits: limitsOf(wanted) };
  const { result, where } = await runCode(getSandbox, request, call);
  return toOutput(result, request, where);
}

function limitsOf(runTimeoutMs: number | undefined): Partial<SandboxLimits> {
  return runTimeoutMs === undefined ? TOOL_LIMITS : { ...TOOL_LIMITS, runTimeoutMs };
}

async function runCode(
  getSandbox: () => Promise<Sandbox>,
  request: SandboxRequest,
  { signal }: ToolCall,
): Promise<{ readonly result: SandboxResult; readonly where: SandboxReport }> {
  const sandbox = await getSandbox();
  const result = await sandbox.run(request, signal);
  if (result.reason === "infra")
    throw new AppError("internal", `the sandbox failed, not the program: ${result.hint?.message ?? "it said nothing"}`);
  return { result, where: sandbox.report };
}

function toOutput(result: SandboxResult, request: Pick<SandboxRequest, "files">, where: SandboxReport): Output {
  const { backend, files: found, hint, ...rest } = result;
  return {
    ...rest,
    ...(hint !== undefined && { hint }),
    // What came back as it was given says nothing.
    files: Object.entries(found)
      .filter(([name, bytes]) => request.files?.[name] === undefined || !Buffer.from(request.files[name]).equals(bytes))
      .map(([name, bytes]) => ({ name, bytes: bytes.byteLength, ...contentOf(bytes) })),
    sandbox: { backend, level: where.level, promises: createHash("sha256").update(canonicalJson(where)).digest("hex") },
  };
}

function contentOf(bytes: Uint8Array): { readonly text: string } | { readonly base64: string } {
  try {
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch {
    return { base64: Buffer.from(bytes).toString("base64") };
  }
}

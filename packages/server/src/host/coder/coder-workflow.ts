import { AppError, defineWorkflow, type Json, type Message, type RunContext, type Workflow } from "@tutti/core";
import { z } from "zod";
import { reportOf, testProgram, type TestReport } from "./test-program.ts";

/** The workflow that writes code and tries it out; the intent `generate_code` of `POST /query`. */
export const CODER_WORKFLOW = "coder";
/** The tool that runs what was written; policy decides about each call of it. */
const CODER_TOOL = "python_exec";

const TEXT_CHARACTERS_MAX = 20_000;
const CODE_CHARACTERS_MAX = 100_000;
const ATTEMPTS = 3;
const ATTEMPTS_MAX = 5;
/** What a model reads of a failed attempt: the end says what went wrong. */
const SHOWN_CHARACTERS_MAX = 4_000;

const inputSchema = z.object({
  text: z.string().min(1).max(TEXT_CHARACTERS_MAX),
  attemptsMax: z.int().min(1).max(ATTEMPTS_MAX).default(ATTEMPTS),
  model: z.string().min(1).max(200).default("default"),
});

/** What a model has to answer, and nothing beside it. */
const writtenSchema = z.strictObject({
  code: z.string().min(1).max(CODE_CHARACTERS_MAX),
  tests: z.string().min(1).max(CODE_CHARACTERS_MAX),
});

/** What the tool tells of a program that ended. */
const endedSchema = z.looseObject({
  reason: z.string().default("exit"),
  exitCode: z.int().nullable(),
  stdout: z.string(),
  stderr: z.string(),
});

type Written = z.output<typeof writtenSchema>;
type Ended = z.output<typeof endedSchema>;

/** One attempt, as the answer tells it. `error` says why what the model answered was not run. */
interface Attempt {
  readonly [key: string]: Json;
  readonly passed: boolean;
  readonly exitCode: number | null;
  readonly reason: string;
  readonly tests: { readonly ran: number; readonly failed: number } | null;
  readonly error: string | null;
}

/** The code and its tests as the last attempt has them, and what came of running them. */
export type CoderOutput = {
  readonly passed: boolean;
  readonly language: "python";
  readonly code: string;
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly tests: { readonly code: string; readonly ran: number; readonly failed: number };
  readonly attempts: readonly Attempt[];
};

const FORMAT = {
  type: "schema",
  name: "code_and_tests",
  strict: true,
  schema: {
    type: "object",
    properties: {
      code: { type: "string", description: "the module solution.py" },
      tests: { type: "string", description: "the module test_solution.py, of unittest" },
    },
    required: ["code", "tests"],
    additionalProperties: false,
  },
} as const;

const INSTRUCTIONS = [
  "You write Python 3 and its tests.",
  "Answer with one JSON object and nothing else:",
  '{"code": "the module solution.py", "tests": "the module test_solution.py, which imports solution and tests it with unittest"}.',
  "The code uses the standard library only, reads no files and no network, and prints nothing unless it is asked to.",
  "It is run in a sandbox. When a test fails you are shown what was printed; answer with all of the code and all of the tests again.",
].join(" ");

/** What the workflow needs of the host: the id of the model that is meant, if it is configured. */
export interface CoderDeps {
  readonly findModel: (model: string) => string | undefined;
}

/** Has a model write code with tests, runs them in the sandbox, and has it mend what fails, a few times at most. */
export function coderWorkflow({ findModel }: CoderDeps): Workflow {
  return defineWorkflow<z.output<typeof inputSchema>, CoderOutput>({
    name: CODER_WORKFLOW,
    version: "1",
    description: "Writes Python with tests, and runs them in the sandbox",
    input: inputSchema,
    async run(ctx, { text, attemptsMax, model: wanted }) {
      const model = await ctx.step("choose model", () => requireModel(findModel(wanted), wanted));
      const conversation: Message[] = [
        { role: "system", content: INSTRUCTIONS },
        { role: "user", content: text },
      ];
      const attempts: Attempt[] = [];
      let last: Tried | undefined;
      while (attempts.length < attemptsMax) {
        const { content } = await ctx.generate(model, { messages: conversation, format: FORMAT });
        const written = readWritten(content);
        if (typeof written === "string") {
          attempts.push({ passed: false, exitCode: null, reason: "answer", tests: null, error: written });
          conversation.push({ role: "assistant", content }, { role: "user", content: `That could not be read: ${written}` });
          continue;
        }
        last = await attempt(ctx, written);
        attempts.push(attemptOf(last));
        if (last.passed) break;
        conversation.push({ role: "assistant", content }, { role: "user", content: complaintOf(last) });
      }
      if (last !== undefined) return outputOf(last, attempts);
      const why = attempts.at(-1)?.error ?? "";
      throw new AppError("upstream", `wanted code and tests as one JSON object of ${model}, got none in ${attemptsMax} answers: ${why}`);
    },
  }) as Workflow;
}

function requireModel(id: string | undefined, wanted: string): string {
  if (id !== undefined) return id;
  throw new AppError(
    "no_model",
    `wanted a model to write code ("${wanted}"), got none; set TUTTI_MODEL_BASE_URL and TUTTI_MODEL, or name another`,
  );
}

/** What a model answered, or what is wrong with it. A fence around the whole is left out; nothing else is forgiven. */
function readWritten(content: string): Written | string {
  const bare = /^```(?:json)?\n(.*)\n```$/s.exec(content.trim())?.[1] ?? content;
  let value: unknown;
  try {
    value = JSON.parse(bare);
  } catch (error) {
    return `wanted one JSON object, got ${error instanceof Error ? error.message : String(error)}`;
  }
  const parsed = writtenSchema.safeParse(value);
  return parsed.success ? parsed.data : `wanted {"code", "tests"}: ${z.prettifyError(parsed.error)}`;
}

/** What was written, and how its tests went. `report` is missing when they did not come to their end. */
interface Tried {
  readonly written: Written;
  readonly ended: Ended;
  readonly report: TestReport | undefined;
  readonly passed: boolean;
}

async function attempt(ctx: RunContext, written: Written): Promise<Tried> {
  const mark = ctx.uuid();
  const output = await ctx.call(CODER_TOOL, {
    code: testProgram(mark),
    files: { "solution.py": written.code, "test_solution.py": written.tests },
  });
  const parsed = endedSchema.safeParse(output);
  if (!parsed.success)
    throw new AppError("upstream", `wanted of ${CODER_TOOL} how the program ended, got something else: ${z.prettifyError(parsed.error)}`);
  if (parsed.data.reason === "infra") throw new AppError("upstream", `the sandbox failed: ${parsed.data.stderr}`);
  const { stdout, report } = reportOf(parsed.data.stdout, mark);
  const passed =
    parsed.data.reason === "exit" && parsed.data.exitCode === 0 && report !== undefined && report.ran > 0 && report.failed === 0;
  return { written, ended: { ...parsed.data, stdout }, report, passed };
}

function attemptOf({ ended, report, passed }: Tried): Attempt {
  return { passed, exitCode: ended.exitCode, reason: ended.reason, tests: report === undefined ? null : { ...report }, error: null };
}

function complaintOf({ ended, report }: Tried): string {
  const why = report?.ran === 0 ? "there were no tests" : `it ended with ${ended.reason} ${String(ended.exitCode)}`;
  return `The tests did not pass: ${why}.\nstderr:\n${ended.stderr.slice(-SHOWN_CHARACTERS_MAX)}\nstdout:\n${ended.stdout.slice(-SHOWN_CHARACTERS_MAX)}`;
}

function outputOf({ written, ended, report, passed }: Tried, attempts: readonly Attempt[]): CoderOutput {
  const { exitCode, stdout, stderr } = ended;
  const tests = { code: written.tests, ran: report?.ran ?? 0, failed: report?.failed ?? 0 };
  return { passed, language: "python", code: written.code, exitCode, stdout, stderr, tests, attempts };
}

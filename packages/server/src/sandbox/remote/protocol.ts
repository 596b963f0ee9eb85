import { z } from "zod";
import { LIMIT_BOUNDS } from "../shared/limits.ts";

/** The version of this protocol, in every path. docs/sandbox-remote.md is its description. */
export const REMOTE_PATH = "/sandbox/v1";

const languageSchema = z.enum(["python", "javascript", "typescript", "shell"]);
const base64Schema = z.base64();

/** What `GET /sandbox/v1` answers. */
export const remoteAboutSchema = z.strictObject({
  protocol: z.literal(1),
  /** What holds programs there, for people: "Firecracker 1.12". */
  means: z.string().min(1).max(200),
  languages: z.array(languageSchema).min(1),
});

const limitSchema = (name: keyof typeof LIMIT_BOUNDS) => z.number().min(LIMIT_BOUNDS[name][0]).max(LIMIT_BOUNDS[name][1]);

/** The body of `POST /sandbox/v1/run`. Contents are in base64. */
export const remoteRunSchema = z.strictObject({
  language: languageSchema,
  entry: z.string().min(1),
  files: z.record(z.string(), base64Schema),
  stdin: z.string(),
  limits: z.strictObject({
    startTimeoutMs: limitSchema("startTimeoutMs"),
    runTimeoutMs: limitSchema("runTimeoutMs"),
    memoryBytes: limitSchema("memoryBytes"),
    cpus: limitSchema("cpus"),
    processesMax: limitSchema("processesMax"),
    outputBytes: limitSchema("outputBytes"),
    diskBytes: limitSchema("diskBytes"),
    fileBytes: limitSchema("fileBytes"),
    filesMax: limitSchema("filesMax"),
  }),
});

/** What a run answers. Its files are those of the working folder that are regular, within the limits. */
export const remoteResultSchema = z.strictObject({
  reason: z.enum(["exit", "timeout", "oom", "output", "policy", "infra"]),
  exitCode: z.int().nullable(),
  signal: z.string().max(20).nullable(),
  hint: z.strictObject({ errno: z.string().max(20), message: z.string().max(1_000) }).optional(),
  stdout: z.string(),
  stderr: z.string(),
  truncated: z.strictObject({ stdout: z.boolean(), stderr: z.boolean(), files: z.boolean() }),
  files: z.record(z.string(), base64Schema),
  usage: z.strictObject({
    startMs: z.number().nonnegative(),
    wallMs: z.number().nonnegative(),
    cpuMs: z.number().nonnegative(),
    memoryPeakBytes: z.number().nonnegative(),
  }),
});

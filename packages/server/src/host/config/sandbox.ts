import type { SandboxBackend, SandboxLimits } from "@tutti/core/sandbox";
import { z } from "zod";
import { choice, type Setting } from "./setting.ts";

const NAMES = ["bubblewrap", "landlock", "wasm", "docker", "gvisor", "remote"] as const satisfies readonly SandboxBackend[];
const LEVELS = ["soft", "hard", "strangers"] as const;

/** Whether code is run, and by which backends. */
export type SandboxChoice = "off" | "auto" | readonly SandboxBackend[];

export const sandbox: Setting<SandboxChoice> = {
  env: "TUTTI_SANDBOX",
  default: "off",
  description:
    "Whether Tutti runs code that models and people bring (`python_eval`, `python_exec`, `js_exec`): `off`, `auto` for the first sandbox that passes its self-test here and promises `sandboxLevel`, or names in the order to try.",
  valid: `off, auto, or a list of ${NAMES.join(", ")}`,
  read: (raw) => {
    const names = raw.split(",").map((name) => name.trim());
    return names.length === 1 && (names[0] === "off" || names[0] === "auto") ? names[0] : names;
  },
  schema: z.union([z.enum(["off", "auto"]), z.array(z.enum(NAMES)).min(1).max(NAMES.length).readonly()]),
};

export const sandboxLevel: Setting<(typeof LEVELS)[number]> = choice({
  env: "TUTTI_SANDBOX_LEVEL",
  default: "hard",
  values: LEVELS,
  description:
    "The least a sandbox must promise: `soft` (memory is watched, the processor is not bounded), `hard` (the kernel holds every bound), or `strangers` (a kernel of its own). Below it code is not run.",
});

const MEBIBYTE = 1_048_576;
const whole = (min: number, max: number): z.ZodOptional<z.ZodInt> =>
  z.int("a whole number").min(min, `at least ${min}`).max(max, `at most ${max}`).optional();

const limits = z.strictObject(
  {
    startTimeoutMs: whole(100, 600_000),
    runTimeoutMs: whole(10, 86_400_000),
    memoryBytes: whole(16 * MEBIBYTE, 1_048_576 * MEBIBYTE),
    cpus: z.number("a number").min(0.05, "at least 0.05").max(1_024, "at most 1024").optional(),
    processesMax: whole(1, 10_000),
    outputBytes: whole(0, 64 * MEBIBYTE),
    diskBytes: whole(4_096, 65_536 * MEBIBYTE),
    fileBytes: whole(0, 256 * MEBIBYTE),
    filesMax: whole(0, 10_000),
  } satisfies Record<keyof SandboxLimits, z.ZodType>,
  "limits of a program",
);

const path = z.string("a path").min(1, "a path").max(1_024, "a path of at most 1024 characters");

const schema = z.strictObject(
  {
    limits: limits.optional(),
    warmMax: whole(0, 64),
    image: z.string("the name of an image").min(1, "the name of an image").max(512, "at most 512 characters").optional(),
    engineSocket: path.optional(),
    remoteUrl: z.url("a URL").optional(),
  },
  "{limits, warmMax, image, engineSocket, remoteUrl}",
);

/** What sandboxes are opened with, as the file has it. */
export type SandboxSetting = z.infer<typeof schema>;

/** The keys inside `sandboxOptions`, for those who mistype one. */
export const SANDBOX_KEYS: readonly string[] = [...Object.keys(schema.shape), ...Object.keys(limits.shape)];

export const sandboxOptions: Setting<SandboxSetting> = {
  default: {},
  description:
    "What sandboxes are opened with: `limits` of a program that asks for nothing else (`runTimeoutMs`, `memoryBytes`, `cpus`, `processesMax`, `outputBytes`, `diskBytes`, `fileBytes`, `filesMax`, `startTimeoutMs`), `warmMax` (places started ahead for each language in use), `image` and `engineSocket` for containers, `remoteUrl` for a remote one.",
  valid: "{limits, warmMax, image, engineSocket, remoteUrl}",
  read: (raw) => raw,
  schema,
};

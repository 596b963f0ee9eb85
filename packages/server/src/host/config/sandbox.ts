import type { SandboxBackend, SandboxLimits } from "@tutti/core/sandbox";
import { z } from "zod";
import { choice, optionalPath, type Setting } from "./setting.ts";

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

/** A bound of what a program may use, or nothing. */
export function sandboxLimit(min: number, max: number): z.ZodOptional<z.ZodInt> {
  return z.int("a whole number").min(min, `at least ${min}`).max(max, `at most ${max}`).optional();
}

/** What may be said of a program's limits. */
export const sandboxLimits = z.strictObject(
  {
    startTimeoutMs: sandboxLimit(100, 600_000),
    runTimeoutMs: sandboxLimit(10, 86_400_000),
    memoryBytes: sandboxLimit(16 * MEBIBYTE, 1_048_576 * MEBIBYTE),
    cpus: z.number("a number").min(0.05, "at least 0.05").max(1_024, "at most 1024").optional(),
    processesMax: sandboxLimit(1, 10_000),
    outputBytes: sandboxLimit(0, 64 * MEBIBYTE),
    diskBytes: sandboxLimit(4_096, 65_536 * MEBIBYTE),
    fileBytes: sandboxLimit(0, 256 * MEBIBYTE),
    filesMax: sandboxLimit(0, 10_000),
  } satisfies Record<keyof SandboxLimits, z.ZodType>,
  "limits of a program",
);

const schema = z.strictObject(
  {
    limits: sandboxLimits.optional(),
    warmMax: sandboxLimit(0, 64),
    image: z.string("the name of an image").min(1, "the name of an image").max(512, "at most 512 characters").optional(),
    remoteUrl: z.url("a URL").optional(),
  },
  "{limits, warmMax, image, remoteUrl}",
);

/** What sandboxes are opened with, as the file has it. */
export type SandboxSetting = z.infer<typeof schema>;

/** The keys inside `sandboxOptions`, for those who mistype one. */
export const SANDBOX_KEYS: readonly string[] = [...Object.keys(schema.shape), ...Object.keys(sandboxLimits.shape)];

export const sandboxOptions: Setting<SandboxSetting> = {
  default: {},
  description:
    "What sandboxes are opened with: `limits` of a program that asks for nothing else (`runTimeoutMs`, `memoryBytes`, `cpus`, `processesMax`, `outputBytes`, `diskBytes`, `fileBytes`, `filesMax`, `startTimeoutMs`), `warmMax` (places started ahead for each language in use), `image` for containers, `remoteUrl` for a remote one.",
  valid: "{limits, warmMax, image, remoteUrl}",
  read: (raw) => raw,
  schema,
};

/** A unix socket as `DOCKER_HOST` has it. */
const DOCKER_HOST = /^unix:\/\/(\/.+)$/;

export const engineSocket: Setting<string | undefined> = optionalPath({
  env: "TUTTI_ENGINE_SOCKET",
  // Docker's own variable may name another machine too, over TCP or SSH: such a one is not asked.
  alias: { env: "DOCKER_HOST", read: (raw) => DOCKER_HOST.exec(raw)?.[1] },
  description:
    "The unix socket of Docker or Podman, for the sandboxes `docker` and `gvisor` and for jails. Left out, the usual places are looked at. `DOCKER_HOST=unix:///…` says it too.",
});

export const jailsDir: Setting<string | undefined> = optionalPath({
  env: "TUTTI_JAILS_DIR",
  description:
    "The folder that holds the volumes of jails. Left out: `jails` in `dataDir`; or, where Tutti runs as root and jails have users of their own, a folder in `/var/lib/tutti-jails`, which such users can reach.",
});

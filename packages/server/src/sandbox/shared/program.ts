import { AppError } from "@tutti/core";
import type { SandboxLanguage, SandboxLimits, SandboxRequest } from "@tutti/core/sandbox";
import type { Program } from "../backend.ts";
import { resolveLimits } from "./limits.ts";

/** The file that holds the program, by its language. */
const ENTRIES: Readonly<Record<SandboxLanguage, string>> = {
  python: "__main__.py",
  javascript: "__main__.js",
  typescript: "__main__.ts",
  shell: "__main__.sh",
};

const CODE_BYTES_MAX = 4_194_304;
const INPUT_FILES_MAX = 1_000;
const NAME_BYTES_MAX = 1_024;
const PART_BYTES_MAX = 255;
const DEPTH_MAX = 16;

/** Checks a request at the door; throws `invalid_input` for what is none. */
export function readProgram(request: SandboxRequest, defaults: SandboxLimits): Program {
  const limits = resolveLimits(request.limits ?? {}, defaults);
  const entry = ENTRIES[request.language];
  const files = new Map<string, Uint8Array>();
  for (const [name, content] of Object.entries(request.files ?? {})) files.set(fileName(name), bytesOf(content));
  checkFiles(files, entry, limits);
  const own = new Set([entry]);
  files.set(entry, bytesOf(request.code));
  if (Buffer.byteLength(request.code) > CODE_BYTES_MAX) throw tooMuch("a program", CODE_BYTES_MAX, "put data into files");
  // Node looks for this file beside a script and then in every folder above, which a sandbox may have closed to it.
  if (isNode(request.language) && !files.has("package.json")) {
    files.set("package.json", bytesOf("{}"));
    own.add("package.json");
  }
  return { language: request.language, entry, files, own, stdin: request.stdin ?? "", limits };
}

/** Whether Node runs it. */
export function isNode(language: SandboxLanguage): boolean {
  return language === "javascript" || language === "typescript";
}

/** A relative name that stays inside, in parts divided by "/". Anything else throws `invalid_input`. */
export function fileName(name: string): string {
  const parts = name.split("/");
  const isSafe =
    name !== "" &&
    Buffer.byteLength(name) <= NAME_BYTES_MAX &&
    parts.length <= DEPTH_MAX &&
    name.isWellFormed() &&
    parts.every((part) => part !== "" && part !== "." && part !== ".." && Buffer.byteLength(part) <= PART_BYTES_MAX) &&
    // Neither control characters nor a backslash, which is a divider elsewhere.
    !/[\p{Cc}\\]/u.test(name);
  if (isSafe) return name;
  throw new AppError(
    "invalid_input",
    `wanted a relative file name such as data/in.csv, got ${JSON.stringify(name.slice(0, 200))}; leave out "..", empty parts, control characters and backslashes`,
  );
}

function checkFiles(files: ReadonlyMap<string, Uint8Array>, entry: string, limits: SandboxLimits): void {
  if (files.has(entry))
    throw new AppError("invalid_input", `wanted other names of files than "${entry}", which holds the program; rename it`);
  if (files.size > INPUT_FILES_MAX)
    throw new AppError("invalid_input", `wanted at most ${INPUT_FILES_MAX} files, got ${files.size}; pack them`);
  let total = 0;
  for (const [name, content] of files) {
    total += content.byteLength;
    const parts = name.split("/");
    const isFolderToo = parts.some((_, index) => index > 0 && files.has(parts.slice(0, index).join("/")));
    if (isFolderToo) throw new AppError("invalid_input", `wanted files, got "${name}" within a file; rename one of them`);
  }
  if (total > limits.diskBytes) throw tooMuch("files", limits.diskBytes, "raise diskBytes");
}

function tooMuch(what: string, bytesMax: number, advice: string): AppError {
  return new AppError("invalid_input", `wanted ${what} of at most ${bytesMax} bytes, got more; ${advice}`);
}

function bytesOf(content: string | Uint8Array): Uint8Array {
  return typeof content === "string" ? Buffer.from(content) : content;
}

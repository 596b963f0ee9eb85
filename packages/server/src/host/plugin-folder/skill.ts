import { readFile, realpath, stat } from "node:fs/promises";
import { basename, isAbsolute, join, relative, sep } from "node:path";
import { AppError } from "@tutti/core";
import { z } from "zod";
import { readYaml } from "../config/index.ts";

/** Of one file of a skill, and of SKILL.md, that a model reads at once; longer ones are read in parts. */
const PART_CHARACTERS_MAX = 20_000;
const FILE_BYTES_MAX = 4 * 1_048_576;
const HEAD = /^\uFEFF?---\r?\n([\s\S]*?)\r?\n---[ \t]*(?:\r?\n|$)/;

/** The head of a SKILL.md, by the Agent Skills specification (agentskills.io): what a model sees of a skill before it reads it. */
export interface SkillHead {
  readonly name: string;
  readonly description: string;
  readonly license?: string | undefined;
  readonly compatibility?: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  /** Tools it would use. They are a wish: policy decides, as for every call. */
  readonly allowedTools: readonly string[];
}

/** A skill that is loaded: its head, and where its files are. */
export interface Skill extends SkillHead {
  readonly folder: string;
}

/** A part of a skill's file. `nextOffset` is where the next part begins. */
export interface SkillPart {
  readonly skill: string;
  readonly file: string;
  readonly text: string;
  readonly nextOffset: number | null;
}

const NAME = "1 to 64 lower-case letters, digits and single hyphens, none at the ends";
const schema = z.object({
  name: z
    .string(NAME)
    .max(64, NAME)
    .regex(/^[\p{Ll}\p{Lo}\p{N}]+(?:-[\p{Ll}\p{Lo}\p{N}]+)*$/u, NAME),
  description: z
    .string("what the skill does and when to use it")
    .trim()
    .min(1, "what the skill does and when to use it")
    .max(1024, "at most 1024 characters"),
  license: z.string("a licence's name").exactOptional(),
  compatibility: z.string("a text").min(1, "at least 1 character").max(500, "at most 500 characters").exactOptional(),
  metadata: z
    .record(z.string(), z.union([z.string(), z.number().transform(String), z.boolean().transform(String)], "texts by key"))
    .default({}),
  "allowed-tools": z
    .union(
      [z.string().transform((text) => text.split(/\s+/).filter((part) => part !== "")), z.array(z.string())],
      "tools, separated by spaces or as a list",
    )
    .default([]),
});

/** The head of a SKILL.md; throws `invalid_config` with every problem and its place. */
export function readSkillHead(text: string, name: string): SkillHead {
  const head = HEAD.exec(text);
  if (head === null) throw new AppError("invalid_config", `wanted YAML between two lines of --- at the top, got none (${name}:1:1)`);
  // A line in front keeps the places those of the file.
  const file = readYaml(`\n${head[1] ?? ""}`, name);
  if (file.problems.length > 0) throw new AppError("invalid_config", file.problems.join("\n"));
  const result = schema.safeParse(file.value);
  if (!result.success)
    throw new AppError(
      "invalid_config",
      result.error.issues.map(({ path, message }) => `${path.join(".") || "the head"} must be ${message} (${file.at(path)})`).join("\n"),
    );
  const { "allowed-tools": allowedTools, ...rest } = result.data;
  return { ...rest, allowedTools };
}

/** The skill of a folder. Its name is the folder's, by the specification; a plugin that is one skill may stand in a folder of another name. */
export async function openSkill(folder: string, isWholePlugin: boolean): Promise<Skill> {
  const text = await readFile(join(folder, "SKILL.md"), "utf8").catch((error: unknown) => {
    throw new AppError("invalid_config", `wanted a SKILL.md, got none that can be read in ${folder}: ${AppError.from(error).message}`, {
      cause: error,
    });
  });
  const head = readSkillHead(text, join(basename(folder), "SKILL.md"));
  if (!isWholePlugin && head.name !== basename(folder))
    throw new AppError("invalid_config", `the skill's name must be its folder's, ${basename(folder)}, got ${head.name}`);
  return { ...head, folder };
}

/** A part of one of a skill's files, SKILL.md's body without a name. Links that lead out of the folder are refused. */
export async function readSkill(
  skill: Skill,
  { file = "SKILL.md", offset = 0 }: { readonly file?: string; readonly offset?: number },
): Promise<SkillPart> {
  const text = (await bytesOf(skill, file)).toString("utf8");
  const body = file === "SKILL.md" ? text.replace(HEAD, "") : text;
  const part = body.slice(offset, offset + PART_CHARACTERS_MAX);
  const end = offset + part.length;
  return { skill: skill.name, file, text: part, nextOffset: end < body.length ? end : null };
}

async function bytesOf({ folder, name }: Skill, file: string): Promise<Buffer> {
  const root = await realpath(folder);
  const path = await realpath(join(root, file)).catch(() => undefined);
  const way = path === undefined ? ".." : relative(root, path);
  if (path === undefined || way === ".." || way.startsWith(`..${sep}`) || isAbsolute(way))
    throw new AppError("not_found", `wanted a file of the skill ${name}, got "${file}", which is none; its SKILL.md names them`);
  const found = await stat(path);
  if (!found.isFile()) throw new AppError("not_found", `wanted a file of the skill ${name}, got "${file}", which is a folder`);
  if (found.size > FILE_BYTES_MAX) throw new AppError("too_large", `wanted a file of at most ${FILE_BYTES_MAX} bytes, got ${found.size}`);
  return readFile(path);
}

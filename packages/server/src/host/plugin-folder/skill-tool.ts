import { AppError, type Tool } from "@tutti/core";
import { z } from "zod";
import { SKILL_TOOL } from "../agents/index.ts";
import { readSkill, type Skill } from "./skill.ts";

const input = z.strictObject({
  skill: z.string().min(1).max(64).describe("The skill's name."),
  file: z.string().min(1).max(1024).default("SKILL.md").describe("A file of the skill, as its SKILL.md names it."),
  offset: z.int().min(0).default(0).describe("Where to go on: nextOffset of the part before."),
});

/** Reads what a skill says, a part at a time: its SKILL.md first, and the files that this names when they are needed. */
export function skillTool(find: (name: string) => Skill | undefined, all: () => readonly Skill[]): Tool {
  const { $schema: _, ...parameters } = z.toJSONSchema(input, { io: "input" });
  const tool: Tool<z.output<typeof input>> = {
    name: SKILL_TOOL,
    description: "Reads a skill: what to do for a kind of task. Gives SKILL.md, or a file that it names, in parts.",
    effect: "read",
    input,
    parameters: parameters as Tool["parameters"],
    async run({ skill: name, file, offset }) {
      const skill = find(name);
      if (skill !== undefined) return { ...(await readSkill(skill, { file, offset })) };
      throw new AppError(
        "not_found",
        `wanted a skill, got "${name}"; there are: ${
          all()
            .map((known) => known.name)
            .join(", ") || "none"
        }`,
      );
    },
  };
  return tool as Tool;
}

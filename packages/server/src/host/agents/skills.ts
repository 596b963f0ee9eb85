import type { AgentSpec, Json } from "@tutti/core";

/** The tool with which a model reads skills. */
export const SKILL_TOOL = "skill_read";

/** What a model sees of a skill before it reads it. */
export interface SkillHead {
  readonly name: string;
  readonly description: string;
}

/** An agent that knows skills has the tool to read them. Pure. */
export function withSkillTool(spec: AgentSpec): AgentSpec {
  const needsTool = (spec.skills ?? []).length > 0 && !spec.tools.includes(SKILL_TOOL);
  return needsTool ? { ...spec, tools: [...spec.tools, SKILL_TOOL] } : spec;
}

/** The agent's instructions with what each of its skills is for; the skills themselves are read when they are needed. */
export function withSkills({ instructions, skills = [] }: AgentSpec, find: (name: string) => SkillHead | undefined): string {
  const heads = skills.flatMap((name) => find(name) ?? []);
  if (heads.length === 0) return instructions;
  const lines = heads.map(({ name, description }) => `- ${name}: ${description}`);
  return [instructions, "", `You have skills. When a task fits one, first read it with ${SKILL_TOOL}, then do as it says.`, ...lines].join(
    "\n",
  );
}

/** A skill is what the owner enabled for a model to follow: unlike what other tools give, it is not marked as mere data. */
export function skillForModel(output: Json): string {
  return JSON.stringify(output);
}

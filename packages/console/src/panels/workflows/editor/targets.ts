import { useQuery } from "@tanstack/react-query";
import type { ToolEntry } from "@tutti/client";
import { useMemo } from "react";
import { agentsQuery, modelsQuery, toolsQuery, workflowsQuery } from "../../../queries.ts";

/** What nodes can name. */
export interface Targets {
  readonly names: Readonly<Record<"tool" | "agent" | "workflow" | "model", readonly string[]>>;
  readonly tools: ReadonlyMap<string, ToolEntry>;
}

/** What is installed, for fields that name it. */
export function useTargets(): Targets {
  const { data: tools } = useQuery(toolsQuery);
  const { data: agents } = useQuery(agentsQuery);
  const { data: workflows } = useQuery(workflowsQuery);
  const { data: models } = useQuery(modelsQuery);
  return useMemo(
    () => ({
      names: {
        tool: (tools ?? []).map(({ name }) => name),
        agent: (agents ?? []).map(({ name }) => name),
        workflow: (workflows ?? []).map(({ name }) => name),
        model: ["default", ...(models ?? []).map(({ id }) => id)],
      },
      tools: new Map((tools ?? []).map((tool) => [tool.name, tool])),
    }),
    [tools, agents, workflows, models],
  );
}

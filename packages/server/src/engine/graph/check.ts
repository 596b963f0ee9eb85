import { AppError, type Json } from "@tutti/core";
import { bodyOf, checkStructure, type Graph, type GraphBody, type GraphProblem } from "@tutti/core/graph";
import { checkExpressions } from "./check-expressions.ts";
import { readShape } from "./check-shape.ts";
import { checkTargets, type KnownTargets } from "./check-targets.ts";
import { schemaFor } from "./value-schema.ts";

/** A graph and all that is wrong with it: it can run when there is nothing. */
export interface GraphCheck {
  readonly graph: Graph;
  readonly problems: readonly GraphProblem[];
}

/** Checks a value that should be a graph: its shape, its structure, its expressions and, where it is known what is installed, what its nodes ask for. Never throws. */
export function checkGraph(value: unknown, known?: KnownTargets): GraphCheck {
  const { graph, problems } = readShape(value);
  if (problems.length > 0 && Object.keys(graph.nodes).length === 0) return { graph, problems };
  const checked = checkMeaning(graph, known);
  return { graph, problems: unique([...problems, ...checked]) };
}

/** Checks a graph whose shape is right already. */
export function checkMeaning(graph: Graph, known?: KnownTargets): readonly GraphProblem[] {
  const structure = checkStructure(graph);
  if (structure.some(({ code }) => code === "too_large")) return structure;
  const expressions = checkExpressions(graph);
  const targets = known === undefined ? [] : checkTargets(graph, known, { types: expressions.types });
  return [...structure, ...expressions.problems, ...targets, ...checkSchemas(graph, [])];
}

function checkSchemas(body: GraphBody & { readonly input?: Json | undefined }, path: GraphProblem["path"]): readonly GraphProblem[] {
  return [
    ...checkSchema(body.input, [...path, "input"]),
    ...Object.entries(body.nodes).flatMap(([id, node]) => {
      const inner = bodyOf(node);
      const at = [...path, "nodes", id];
      return [
        ...(node.type === "wait" ? checkSchema(node.schema, [...at, "schema"]) : []),
        ...(inner === undefined ? [] : checkSchemas(inner, [...at, "do"])),
      ];
    }),
  ];
}

function checkSchema(schema: Json | undefined, path: GraphProblem["path"]): readonly GraphProblem[] {
  if (schema === undefined) return [];
  try {
    schemaFor(schema);
    return [];
  } catch (thrown) {
    return [{ code: "type", path, message: AppError.from(thrown).message }];
  }
}

/** The same thing found twice at one place is told once. */
function unique(problems: readonly GraphProblem[]): readonly GraphProblem[] {
  const byPlace = new Map(problems.map((problem) => [JSON.stringify([problem.path, problem.offset, problem.message]), problem]));
  return [...byPlace.values()];
}

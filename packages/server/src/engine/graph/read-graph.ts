import { AppError } from "@tutti/core";
import type { Graph, GraphProblem, PlacedProblem } from "@tutti/core/graph";
import { checkGraph } from "./check.ts";
import type { KnownTargets } from "./check-targets.ts";
import { readPlaced, type PlacedText } from "./places.ts";

/** A graph, or all that is wrong with it in the order of the text. */
type GraphReading = { readonly ok: true; readonly graph: Graph } | { readonly ok: false; readonly problems: readonly PlacedProblem[] };

/** Reads a graph from YAML or JSON and checks it, also against what is installed when that is given. Never throws. */
export function readGraph(text: string, known?: KnownTargets): GraphReading {
  const placed = readPlaced(text);
  if (placed.faults.length > 0)
    return {
      ok: false,
      problems: placed.faults.map(({ message, ...place }) => ({
        code: "yaml",
        message,
        path: [],
        ...place,
        snippet: placed.snippet(place),
      })),
    };
  const { graph, problems } = checkGraph(placed.value, known);
  return problems.length === 0 ? { ok: true, graph } : { ok: false, problems: placeProblems(problems, placed) };
}

/** Problems with where they stand in the text, in its order. */
export function placeProblems(problems: readonly GraphProblem[], text: PlacedText): readonly PlacedProblem[] {
  return problems
    .map(({ code, message, path, isKey, offset }) => {
      const place = text.place(path, { isKey, offset });
      return { code, message, path, ...place, snippet: text.snippet(place) };
    })
    .toSorted((a, b) => a.line - b.line || a.column - b.column);
}

/** A graph read from a text; throws `invalid_config` that names every problem as `name:line:column: …`, one on each line. */
export function requireGraph(text: string, name: string, known?: KnownTargets): Graph {
  const reading = readGraph(text, known);
  if (reading.ok) return reading.graph;
  throw new AppError("invalid_config", reading.problems.map((problem) => problemLine(problem, name)).join("\n"));
}

/** A problem in one line. */
export function problemLine({ line, column, message }: Pick<PlacedProblem, "line" | "column" | "message">, name: string): string {
  return `${name}:${line}:${column}: ${message}`;
}

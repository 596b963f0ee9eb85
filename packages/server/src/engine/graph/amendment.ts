import type { Json } from "@tutti/core";
import {
  applyChanges,
  differenceOf,
  touchesPast,
  type Graph,
  type GraphChange,
  type GraphDifference,
  type GraphProblem,
} from "@tutti/core/graph";
import { z } from "zod";
import { checkGraph, checkMeaning } from "./check.ts";
import { describe } from "./check-shape.ts";
import { changeSchema } from "./shape.ts";

/** More at once are a new graph. */
const CHANGES_MAX = 500;

/** What becomes of an amendment. Paths in problems begin with "graph" or "changes", whichever was sent. */
export type Verdict =
  | { readonly ok: true; readonly id: string; readonly graph: Graph; readonly difference: GraphDifference }
  | { readonly ok: false; readonly id: string; readonly problems: readonly GraphProblem[] };

/** Decides about an amendment `{ id, graph }` or `{ id, changes }`: the amended graph must be right, and nothing that has begun may be different. Pure. */
export function judgeAmendment(current: Graph, asked: Json, hasBegun: (id: string) => boolean): Verdict {
  const { id, graph, changes } = amendmentOf(asked);
  const { after, problems } = changes === undefined ? whole(graph) : changed(current, changes);
  if (problems.length > 0) return { ok: false, id, problems };
  const past = touchesPast(current, after, hasBegun).map((problem) =>
    changes === undefined ? under("graph", problem) : { ...problem, path: ["changes"] },
  );
  if (past.length > 0) return { ok: false, id, problems: past };
  return { ok: true, id, graph: after, difference: differenceOf(current, after) };
}

function amendmentOf(asked: Json): { readonly id: string; readonly graph?: Json; readonly changes?: Json } {
  const value = typeof asked === "object" && asked !== null && !Array.isArray(asked) ? (asked as { readonly [key: string]: Json }) : {};
  return { ...value, id: typeof value["id"] === "string" ? value["id"] : "" };
}

interface Amended {
  readonly after: Graph;
  readonly problems: readonly GraphProblem[];
}

function whole(graph: Json | undefined): Amended {
  const { graph: after, problems } = checkGraph(graph);
  return { after, problems: problems.map((problem) => under("graph", problem)) };
}

function changed(current: Graph, changes: Json): Amended {
  const read = z.array(changeSchema).min(1).max(CHANGES_MAX).safeParse(changes);
  if (!read.success)
    return {
      after: current,
      problems: read.error.issues.flatMap((issue) => describe(issue, [], changes)).map((problem) => under("changes", problem)),
    };
  const { graph: after, problems } = applyChanges(current, read.data as readonly GraphChange[]);
  if (problems.length > 0) return { after, problems: problems.map((problem) => under("changes", problem)) };
  // What is wrong in the graph then is told by its place in the graph: the change that made it so need not be the one that is wrong.
  const meaning = checkMeaning(after).map((problem) => ({
    ...problem,
    path: ["changes"],
    message: `after these changes, at ${problem.path.join(".")}: ${problem.message}`,
  }));
  return { after, problems: meaning };
}

function under(key: string, problem: GraphProblem): GraphProblem {
  return { ...problem, path: [key, ...problem.path] };
}

/** What is wrong in a graph, and where: `path` leads to the value, or to its key. */
export interface GraphProblem {
  readonly code: ProblemCode;
  readonly path: readonly (string | number)[];
  /** Set when the key at `path` is wrong, not its value. */
  readonly isKey?: true | undefined;
  /** Where in the text at `path`, counted in characters from 0. */
  readonly offset?: number | undefined;
  /** What was wanted, what was got and what to do. */
  readonly message: string;
}

/** What is wrong in a graph's text, and where; lines and columns count from 1. */
export interface PlacedProblem {
  readonly code: ProblemCode;
  readonly message: string;
  readonly path: readonly (string | number)[];
  readonly line: number;
  readonly column: number;
  /** The line it stands on, and a mark under its column. */
  readonly snippet: readonly [line: string, mark: string];
}

/** Stable names of what can be wrong in a graph. */
export type ProblemCode =
  | "yaml"
  | "shape"
  | "unknown_key"
  | "unknown_node"
  | "unknown_target"
  | "duplicate"
  | "cycle"
  | "unreachable"
  | "join"
  | "loop_bound"
  | "case"
  | "expression"
  | "type"
  | "too_large"
  | "past";

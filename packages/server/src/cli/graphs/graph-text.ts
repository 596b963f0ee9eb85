import { readFile } from "node:fs/promises";
import type { PolicyFault } from "@tutti/client";
import type { GraphProblem, PlacedProblem } from "@tutti/core/graph";
import { UsageError } from "../shell.ts";

/** A file's text, and the name its places are told by. */
interface FileText {
  readonly text: string;
  readonly name: string;
}

/** Reads a graph's file. */
export async function readText(file: string): Promise<FileText> {
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    throw new UsageError(`the graph ${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  });
  return { text, name: file.slice(-200) };
}

/** What is wrong with it, as it is printed. */
export function named({ name }: FileText, problems: readonly (GraphProblem & Partial<PlacedProblem>)[]): readonly PolicyFault[] {
  return problems.map(({ line = 1, column = 1, message, snippet = ["", ""] }) => ({ name, line, column, message, snippet }));
}

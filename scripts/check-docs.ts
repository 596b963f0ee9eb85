// Every TypeScript block in the docs is a verbatim part of a file under examples/, which is compiled and run.
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const pages = globSync(["*.md", "docs/**/*.md", "examples/**/*.md"], { cwd: root });
const examples = globSync("examples/**/*.ts", { cwd: root }).map((file) => normal(readFileSync(join(root, file), "utf8")));

const problems = pages.flatMap((page) => {
  const text = readFileSync(join(root, page), "utf8");
  return blocks(text)
    .filter((block) => !examples.some((example) => example.includes(normal(block.code))))
    .map((block) => `${page}:${block.line}: this TypeScript block is not part of any file under examples/`);
});

for (const problem of problems) console.error(problem);
console.log(`${problems.length} strange TypeScript blocks in ${pages.length} pages`);
process.exitCode = problems.length > 0 ? 1 : 0;

interface Block {
  readonly line: number;
  readonly code: string;
}

function blocks(text: string): readonly Block[] {
  return [...text.matchAll(/^```(?:ts|typescript|tsx)\b[^\n]*\n([\s\S]*?)^```/gm)].map((match) => ({
    line: text.slice(0, match.index).split("\n").length,
    code: match[1] ?? "",
  }));
}

/** A block may start deeper than its file shows it, so indentation at the start of a line does not count. */
function normal(code: string): string {
  return code
    .split("\n")
    .map((line) => line.trim())
    .join("\n")
    .trim();
}

// Every TypeScript block in the docs is a verbatim part of a file under examples/, which is compiled and run; every picture is there.
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const root = join(import.meta.dirname, "..");
const pages = globSync(["*.md", "docs/**/*.md", "examples/**/*.md"], { cwd: root });
const examples = globSync("examples/**/*.ts", { cwd: root }).map((file) => normal(readFileSync(join(root, file), "utf8")));

const problems = pages.flatMap((page) => {
  const text = readFileSync(join(root, page), "utf8");
  return [
    ...blocks(text)
      .filter((block) => !examples.some((example) => example.includes(normal(block.code))))
      .map((block) => `${page}:${block.line}: this TypeScript block is not part of any file under examples/`),
    ...pictures(text)
      .filter(({ file }) => !existsSync(join(root, dirname(page), file)))
      .map(({ line, file }) => `${page}:${line}: there is no picture ${file}`),
    ...pictures(text)
      .filter(({ about }) => about.trim() === "")
      .map(({ line, file }) => `${page}:${line}: the picture ${file} is not told in words`),
  ];
});
const shown = new Set(
  pages.flatMap((page) => pictures(readFileSync(join(root, page), "utf8")).map(({ file }) => join(dirname(page), file))),
);
for (const file of globSync("docs/img/*", { cwd: root })) if (!shown.has(file)) problems.push(`${file}: no page shows this picture`);

for (const problem of problems) console.error(problem);
console.log(`${problems.length} strange TypeScript blocks and pictures in ${pages.length} pages`);
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

interface Picture {
  readonly line: number;
  readonly file: string;
  readonly about: string;
}

/** Pictures of the project's own, as Markdown or HTML. */
function pictures(text: string): readonly Picture[] {
  const found = [
    ...text.matchAll(/!\[(?<about>[^\]]*)\]\((?<file>[^)\s]+)\)/g),
    ...text.matchAll(/<img (?:[^>]*? )?src="(?<file>[^"]+)"[^>]*? alt="(?<about>[^"]*)"/g),
  ];
  return found.flatMap(({ index, groups: { file = "", about = "" } = {} }) =>
    /^https?:/.test(file) ? [] : [{ line: text.slice(0, index).split("\n").length, file, about }],
  );
}

/** A block may start deeper than its file shows it, so indentation at the start of a line does not count. */
function normal(code: string): string {
  return code
    .split("\n")
    .map((line) => line.trim())
    .join("\n")
    .trim();
}

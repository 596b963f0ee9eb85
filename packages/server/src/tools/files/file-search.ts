import { AppError } from "@tutti/core";
import { RE2JS } from "re2js";
import { z } from "zod";
import { defineTool } from "../define-tool.ts";
import { globbed } from "./glob.ts";
import { filesBelow } from "./walk.ts";
import { plainPath, type Workspace } from "./workspace.ts";

/** Larger files are passed over, and counted. */
const FILE_BYTES_MAX = 1_048_576;
const BYTES_MAX = 64 * 1_048_576;
const MATCHES_DEFAULT = 50;
const MATCHES_MAX = 1_000;
const LINE_CHARACTERS_MAX = 300;
/** Of a line; what is longer was not written by people. */
const SEARCHED_CHARACTERS_MAX = 10_000;

const input = z.strictObject({
  query: z.string().min(1).max(500).describe("The text to look for, or a regular expression (RE2) when isPattern says so."),
  isPattern: z.boolean().default(false),
  isCaseSensitive: z.boolean().default(false),
  path: z.string().max(1_024).overwrite(plainPath).default("").describe("The folder to look in, with all below it."),
  files: z.string().min(1).max(200).exactOptional().describe('Only files that fit, such as "*.md" or "src/**/*.ts".'),
  matchesMax: z.int().min(1).max(MATCHES_MAX).default(MATCHES_DEFAULT),
});

const output = z.strictObject({
  matches: z.array(z.strictObject({ path: z.string(), line: z.int(), text: z.string() })),
  searched: z.int().describe("How many files were looked through."),
  passedOver: z.int().describe("How many were not, because they are no text, too large, links or closed."),
  isCut: z.boolean().describe("Whether there may be more matches."),
});

/** Looks for a text in all files below a folder. */
export function searchTool(workspace: () => Workspace) {
  return defineTool({
    name: "file_search",
    description: "Looks for a text or a pattern in the text files of the workspace, line by line.",
    effect: "read",
    isUntrusted: true,
    input,
    output,
    cost: { usd: 0, durationMs: 200 },
    run: async ({ query, isPattern, isCaseSensitive, path, files, matchesMax }, { signal }) => {
      const pattern = compile(isPattern ? query : RE2JS.quote(query), isCaseSensitive);
      const fits = files === undefined ? () => true : globbed(files);
      const matches: { path: string; line: number; text: string }[] = [];
      const counts = { searched: 0, passedOver: 0 };
      let bytes = 0;
      for await (const entry of filesBelow(workspace(), { path, isDeep: true }, signal)) {
        if (entry.type === "folder" || !fits(entry.path)) continue;
        const content = await textOf(workspace(), entry);
        counts[content === undefined ? "passedOver" : "searched"] += 1;
        bytes += content?.length ?? 0;
        for (const match of matchesIn(content ?? "", pattern)) {
          if (matches.length === matchesMax) return { matches, ...counts, isCut: true };
          matches.push({ path: entry.path, ...match });
        }
        if (bytes > BYTES_MAX) return { matches, ...counts, isCut: true };
      }
      return { matches, ...counts, isCut: false };
    },
  });
}

function compile(expression: string, isCaseSensitive: boolean): RE2JS {
  try {
    return RE2JS.compile(expression, isCaseSensitive ? 0 : RE2JS.CASE_INSENSITIVE);
  } catch (error) {
    throw new AppError("invalid_input", `wanted a regular expression in RE2 syntax: ${error instanceof Error ? error.message : ""}`, {
      cause: error,
    });
  }
}

async function textOf(workspace: Workspace, entry: { readonly path: string; readonly type: string }): Promise<string | undefined> {
  if (entry.type !== "file") return undefined;
  const bytes = await workspace.read(entry.path, FILE_BYTES_MAX).catch(() => undefined);
  return bytes === undefined || bytes.includes(0) ? undefined : bytes.toString("utf8");
}

function* matchesIn(text: string, pattern: RE2JS): Generator<{ readonly line: number; readonly text: string }> {
  for (const [index, line] of text.split("\n").entries()) {
    const searched = line.slice(0, SEARCHED_CHARACTERS_MAX);
    const matcher = pattern.matcher(searched);
    if (!matcher.find()) continue;
    const from = Math.max(0, Math.min(matcher.start() - LINE_CHARACTERS_MAX / 3, searched.length - LINE_CHARACTERS_MAX));
    yield { line: index + 1, text: searched.slice(from, from + LINE_CHARACTERS_MAX).trimEnd() };
  }
}

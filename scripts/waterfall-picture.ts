// Draws docs/images/waterfall.svg: what `tutti runs show` prints of the example's run, as a picture for the README.
// Run it with: node scripts/waterfall-picture.ts
import { execFile } from "node:child_process";
import { mkdir, mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const CELL_WIDTH = 8;
const CELL_HEIGHT = 18;
const MARGIN = 16;
const FONT_SIZE = 13;
const BACKGROUND = "#0d1117";
const FOREGROUND = "#c9d1d9";

/** How a change of colour begins. */
const ESCAPE = "\u001b[";

/** Colours by the number that sets them in a terminal. */
const COLOURS: Readonly<Record<number, string>> = {
  31: "#ff7b72",
  32: "#56d364",
  33: "#e3b341",
  34: "#79c0ff",
  35: "#d2a8ff",
  36: "#39c5cf",
};

/** Block characters by the part of their cell that they fill: from the left, and to the right, in eighths. Fonts draw them with gaps. */
const BLOCKS: Readonly<Record<string, readonly [from: number, to: number]>> = {
  ...Object.fromEntries("▏▎▍▌▋▊▉█".split("").map((block, index) => [block, [0, index + 1]])),
  "▐": [4, 8],
  "▕": [7, 8],
  "░": [0, 8],
};

interface Look {
  readonly colour: string;
  readonly isBold: boolean;
  readonly isDim: boolean;
}

interface Piece extends Look {
  readonly text: string;
  readonly column: number;
}

const PLAIN: Look = { colour: FOREGROUND, isBold: false, isDim: false };

const root = fileURLToPath(new URL("..", import.meta.url));
await using folder = await mkdtempDisposable(join(tmpdir(), "waterfall-picture-"));
const { run } = JSON.parse(await tutti(["run", "examples/triage-inbox", "--json", "--input", JSON.stringify({ output: folder.path })])) as {
  readonly run: { readonly id: string };
};
// The steps are the picture; the result after them is told by the README itself.
const [picture = ""] = (await tutti(["runs", "show", run.id])).split(`\n\n${ESCAPE}1mResult`);
const images = join(root, "docs", "images");
await mkdir(images, { recursive: true });
await writeFile(join(images, "waterfall.svg"), toSvg(`$ tutti runs show ${run.id}\n\n${picture}`));

async function tutti(args: readonly string[]): Promise<string> {
  const command = ["packages/server/bin/tutti.js", ...args, "--data-dir", join(folder.path, "data")];
  const { stdout } = await promisify(execFile)(process.execPath, command, {
    cwd: root,
    env: { LANG: "C.UTF-8", FORCE_COLOR: "1", TUTTI_TOKEN: "a-token-for-a-picture" },
  });
  return stdout;
}

function toSvg(output: string): string {
  const lines = output.trimEnd().split("\n").map(readPieces);
  const columns = Math.max(...lines.map((pieces) => pieces.reduce((end, { column, text }) => Math.max(end, column + text.length), 0)));
  const width = columns * CELL_WIDTH + 2 * MARGIN;
  const height = lines.length * CELL_HEIGHT + 2 * MARGIN;
  const body = lines.flatMap((pieces, row) => pieces.map((piece) => draw(piece, MARGIN + row * CELL_HEIGHT)));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="A run as a waterfall in the terminal: one line a step, with bars over time">`,
    `<rect width="100%" height="100%" rx="8" fill="${BACKGROUND}"/>`,
    `<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="${FONT_SIZE}" xml:space="preserve">`,
    ...body.filter((element) => element !== ""),
    "</g>",
    "</svg>",
    "",
  ].join("\n");
}

/** A line's pieces by colour, with words and bars apart, so that each can be placed by itself. */
function readPieces(line: string): readonly Piece[] {
  const pieces: Piece[] = [];
  let look = PLAIN;
  let column = 0;
  for (const [index, styled] of line.split(ESCAPE).entries()) {
    // All but the first begin with what the escape sequence sets: "36m▸ ".
    const end = index === 0 ? 0 : styled.indexOf("m") + 1;
    if (end > 0) look = change(look, Number(styled.slice(0, end - 1)));
    const part = styled.slice(end);
    for (const [text] of part.matchAll(/░+|█+|[▏▎▍▌▋▊▉▐▕]|[^░▏▎▍▌▋▊▉█▐▕ ]+(?: [^░▏▎▍▌▋▊▉█▐▕ ]+)*| +/g)) {
      if (text.trim() !== "") pieces.push({ ...look, text, column });
      column += text.length;
    }
  }
  return pieces;
}

function change(look: Look, code: number): Look {
  if (code === 1) return { ...look, isBold: true };
  if (code === 2) return { ...look, isDim: true };
  if (code === 22) return { ...look, isBold: false, isDim: false };
  return { ...look, colour: COLOURS[code] ?? FOREGROUND };
}

function draw({ text, column, colour, isBold, isDim }: Piece, top: number): string {
  const x = MARGIN + column * CELL_WIDTH;
  const block = BLOCKS[text.charAt(0)];
  if (block === undefined) {
    const style = `${isBold ? ' font-weight="bold"' : ""}${isDim ? ' opacity="0.6"' : ""}`;
    const escaped = text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
    // The length is given, because every machine has another font.
    return `<text x="${x}" y="${top + FONT_SIZE}" textLength="${text.length * CELL_WIDTH}" fill="${colour}"${style}>${escaped}</text>`;
  }
  const [from, to] = block;
  const width = text.length > 1 ? text.length * CELL_WIDTH : ((to - from) * CELL_WIDTH) / 8;
  return `<rect x="${x + (from * CELL_WIDTH) / 8}" y="${top + 2}" width="${width}" height="${CELL_HEIGHT - 4}" fill="${colour}"${text.startsWith("░") ? ' opacity="0.4"' : ""}/>`;
}

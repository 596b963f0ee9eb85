import { isMap, isNode, isPair, isScalar, LineCounter, parseDocument, Scalar, type Document } from "yaml";

/** Larger texts are no graphs. */
const CHARACTERS_MAX = 1_048_576;

/** A place in a text; lines and columns count from 1. */
interface Place {
  readonly line: number;
  readonly column: number;
}

/** A YAML or JSON text, and where in it everything stands. */
export interface PlacedText {
  readonly value: unknown;
  /** What is wrong with the text itself. When there is anything, `value` is not to be used. */
  readonly faults: readonly (Place & { readonly message: string })[];
  /** Where a value stands, or its key; what is not there stands where the nearest thing around it does. `offset` counts within a text. */
  place(
    path: readonly (string | number)[],
    options?: { readonly isKey?: boolean | undefined; readonly offset?: number | undefined },
  ): Place;
  /** The line, and a mark under the column. */
  snippet(place: Place): readonly [line: string, mark: string];
}

/** Reads a text. JSON is YAML, so both are read alike. Never throws. */
export function readPlaced(text: string): PlacedText {
  const lines = text.split("\n");
  const snippet = ({ line, column }: Place): readonly [string, string] => [lines[line - 1] ?? "", `${" ".repeat(column - 1)}^`];
  const nowhere = (message: string): PlacedText => ({
    value: undefined,
    faults: [{ line: 1, column: 1, message }],
    place: () => ({ line: 1, column: 1 }),
    snippet,
  });
  if (text.length > CHARACTERS_MAX) return nowhere(`wanted at most ${CHARACTERS_MAX} characters, got ${text.length}`);
  try {
    const counter = new LineCounter();
    const document = parseDocument(text, { lineCounter: counter, prettyErrors: false });
    const at = (offset: number): Place => {
      const { line, col } = counter.linePos(offset);
      return { line: Math.max(1, line), column: Math.max(1, col) };
    };
    const errors = [...document.errors, ...document.warnings];
    // What comes after a mistake in the syntax is mostly more of the same mistake; keys that stand twice are mistakes of their own.
    const syntax = errors.find(({ code }) => code !== "DUPLICATE_KEY");
    const told = errors.filter((error) => error === syntax || error.code === "DUPLICATE_KEY");
    const faults = told.map(({ message, pos }) => ({ ...at(pos[0]), message }));
    return {
      value: faults.length === 0 ? (document.toJS() as unknown) : undefined,
      faults,
      place: (path, { isKey = false, offset } = {}) =>
        at(isKey ? keyOffset(document, path) : valueOffset(document, path, { text, within: offset })),
      snippet,
    };
  } catch (thrown) {
    // Aliases that multiply beyond yaml's own bound, and nesting beyond the stack.
    return nowhere(thrown instanceof Error ? thrown.message : String(thrown));
  }
}

type Path = readonly (string | number)[];

function valueOffset(
  document: Document.Parsed,
  path: Path,
  { text, within = 0 }: { readonly text: string; readonly within?: number | undefined },
): number {
  for (let length = path.length; length > 0; length -= 1) {
    const node: unknown = document.getIn(path.slice(0, length), true);
    if (!isNode(node) || !node.range) continue;
    return length === path.length && isScalar(node) ? insideScalar(node, text, within) : node.range[0];
  }
  return document.contents?.range?.[0] ?? 0;
}

/** Where a character of a scalar's value stands; where the scalar begins when its text is written in another way than its value. */
function insideScalar(node: Scalar, text: string, within: number): number {
  const start = node.range?.[0] ?? 0;
  if (within === 0 || typeof node.value !== "string") return start;
  const { value } = node;
  if (node.type === Scalar.BLOCK_LITERAL) return insideBlock({ start, value, within }, text);
  const quote = node.type === Scalar.PLAIN ? 0 : 1;
  return text.startsWith(value, start + quote) ? start + quote + within : start;
}

function insideBlock(
  { start, value, within }: { readonly start: number; readonly value: string; readonly within: number },
  text: string,
): number {
  const before = value.slice(0, within).split("\n");
  let line = text.indexOf("\n", start) + 1;
  const indent = /^ */.exec(text.slice(line))?.[0].length ?? 0;
  for (let count = 1; count < before.length; count += 1) line = text.indexOf("\n", line) + 1;
  return line + indent + (before.at(-1)?.length ?? 0);
}

function keyOffset(document: Document.Parsed, path: Path): number {
  const parent: unknown = path.length <= 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  const pair = isMap(parent)
    ? parent.items.find((item) => isPair(item) && isNode(item.key) && String(item.key) === String(path.at(-1)))
    : undefined;
  if (pair !== undefined && isNode(pair.key) && pair.key.range) return pair.key.range[0];
  return valueOffset(document, path, { text: "" });
}

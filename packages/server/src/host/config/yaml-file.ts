import { isMap, isNode, isPair, LineCounter, parseDocument, type Document } from "yaml";

/** Larger files are no configuration. */
const YAML_CHARACTERS_MAX = 1_048_576;

/** A YAML text and the places of what stands in it. */
export interface YamlFile {
  readonly value: unknown;
  /** What is wrong with the YAML itself, each with its place. When there is anything, `value` is not to be used. */
  readonly problems: readonly string[];
  /** The place of a value as `name:line:column`; of the nearest thing around it when it is not there. */
  readonly at: (path: readonly PropertyKey[]) => string;
  /** The place of a key. */
  readonly keyAt: (path: readonly PropertyKey[]) => string;
}

/** Reads a YAML text, keeping track of places. `name` is what places begin with. Never throws. */
export function readYaml(text: string, name: string): YamlFile {
  if (text.length > YAML_CHARACTERS_MAX)
    return broken(name, `wanted at most ${YAML_CHARACTERS_MAX} characters of YAML, got ${text.length} (${name})`);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const place = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${name}:${line}:${col}`;
  };
  const at = (path: readonly PropertyKey[]): string => place(offsetOf(document, path));
  const problems = [...document.errors, ...document.warnings].map((error) => `${error.message} (${place(error.pos[0])})`);
  try {
    const value: unknown = problems.length === 0 ? document.toJS() : undefined;
    return { value, problems, at, keyAt: (path) => place(keyOffsetOf(document, path)) };
  } catch (error) {
    // Aliases that multiply beyond yaml's own bound are found only here.
    return broken(name, `${error instanceof Error ? error.message : String(error)} (${name})`);
  }
}

function broken(name: string, problem: string): YamlFile {
  return { value: undefined, problems: [problem], at: () => name, keyAt: () => name };
}

function offsetOf(document: Document.Parsed, path: readonly PropertyKey[]): number {
  for (let length = path.length; length > 0; length -= 1) {
    const node: unknown = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return node.range[0];
  }
  return document.contents?.range[0] ?? 0;
}

function keyOffsetOf(document: Document.Parsed, path: readonly PropertyKey[]): number {
  const parent: unknown = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  const pair = isMap(parent)
    ? parent.items.find((item) => isPair(item) && isNode(item.key) && String(item.key) === String(path.at(-1)))
    : undefined;
  return pair !== undefined && isNode(pair.key) && pair.key.range ? pair.key.range[0] : offsetOf(document, path);
}

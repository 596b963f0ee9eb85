/** Writing systems that tokenizers treat differently. "ascii" is English prose, code, JSON and logs; "arabic" is Hebrew, too. */
export type Script = "ascii" | "latin" | "cyrillic" | "greek" | "cjk" | "arabic" | "other";

/** How much of a text each script makes up; the shares add up to 1. */
export type ScriptShares = Readonly<Record<Script, number>>;

/** At most so many characters are looked at, spread over the text. */
const LOOKED_AT_MAX = 4096;

/** Languages in Latin letters with accents have one in 20 to 60 characters; English has next to none. */
const ACCENTED_SHARE_MIN = 0.004;

const ASCII_ONLY: ScriptShares = { ascii: 1, latin: 0, cyrillic: 0, greek: 0, cjk: 0, arabic: 0, other: 0 };

/** The scripts of a text, by a bounded number of its characters. */
export function scriptsOf(text: string): ScriptShares {
  const step = Math.max(1, Math.floor(text.length / LOOKED_AT_MAX));
  const counts = { ascii: 0, latin: 0, cyrillic: 0, greek: 0, cjk: 0, arabic: 0, other: 0 };
  for (let index = 0; index < text.length; index += step) counts[scriptOf(text.charCodeAt(index))] += 1;
  const all = counts.ascii + counts.latin + counts.cyrillic + counts.greek + counts.cjk + counts.arabic + counts.other;
  if (all === counts.ascii) return ASCII_ONLY;
  // Spaces, digits and punctuation stand between the words of every script, so ASCII counts for itself only where it is most of the text.
  const western = counts.ascii + counts.latin;
  const foreign = all - western;
  const ascii = Math.max(0, counts.ascii - foreign * SPACES_PER_LETTER);
  const isAccented = counts.latin > western * ACCENTED_SHARE_MIN;
  const total = ascii + counts.latin + foreign;
  return {
    ascii: isAccented ? 0 : (ascii + counts.latin) / total,
    latin: isAccented ? (ascii + counts.latin) / total : 0,
    cyrillic: counts.cyrillic / total,
    greek: counts.greek / total,
    cjk: counts.cjk / total,
    arabic: counts.arabic / total,
    other: counts.other / total,
  };
}

const SPACES_PER_LETTER = 0.3;

/** Unicode's blocks, each up to the first code of the next. Typographic dashes, quotes and arrows (0x2000) come with every script. */
const BLOCKS: readonly (readonly [below: number, script: Script])[] = [
  [0x80, "ascii"],
  [0x2_50, "latin"],
  [0x3_70, "other"],
  [0x4_00, "greek"],
  [0x5_30, "cyrillic"],
  [0x5_90, "other"],
  [0x7_80, "arabic"],
  [0x1e_00, "other"],
  [0x1f_00, "latin"],
  [0x20_00, "greek"],
  [0x2e_80, "ascii"],
  [0xd8_00, "cjk"],
  [0xff_00, "other"],
  [0x1_00_00, "cjk"],
];

function scriptOf(code: number): Script {
  if (code < 0x80) return "ascii";
  return BLOCKS.find(([below]) => code < below)?.[1] ?? "other";
}

/** How long a piece may be, in UTF-16 code units. */
export interface PieceSizes {
  /** The first is short, so that reading begins soon. */
  readonly firstMax: number;
  readonly restMax: number;
}

const SENTENCES = new Intl.Segmenter(undefined, { granularity: "sentence" });
const GRAPHEMES = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** Cuts a text between sentences into pieces that can be spoken one after the other; put together they are the text. */
export function speechPieces(text: string, sizes: PieceSizes): readonly string[] {
  const pieces: string[] = [];
  let piece = "";
  for (const part of partsOf(text, Math.min(sizes.firstMax, sizes.restMax))) {
    const max = pieces.length === 0 ? sizes.firstMax : sizes.restMax;
    if (piece !== "" && piece.length + part.length > max) {
      pieces.push(piece);
      piece = "";
    }
    piece += part;
  }
  return piece === "" ? pieces : [...pieces, piece];
}

/** Sentences; whatever is longer than a piece may be is cut between characters as people see them. */
function* partsOf(text: string, max: number): Generator<string> {
  for (const { segment } of SENTENCES.segment(text)) {
    if (segment.length <= max) yield segment;
    else yield* cut(segment, max);
  }
}

/** A character of more accents than a piece is long stays whole: nobody speaks it. */
function* cut(sentence: string, max: number): Generator<string> {
  let part = "";
  for (const { segment } of GRAPHEMES.segment(sentence)) {
    if (part !== "" && part.length + segment.length > max) {
      yield part;
      part = "";
    }
    part += segment;
  }
  if (part !== "") yield part;
}

const SENTENCES = new Intl.Segmenter("en", { granularity: "sentence" });
const WORDS = new Intl.Segmenter("en", { granularity: "word" });

// Unicode ends a sentence after a full stop and before a capital letter, and V8 leaves out ICU's list of exceptions (the locale key "ss").
const TITLE = /(?:^|[\s(])(?:Mr|Mrs|Ms|Dr|Prof|St|Sr|Jr|Fig|vs|Herr|Fr|Mme|Mlle)\.$/;

/** The sentences of a text, in any language that ICU knows. A blank line ends a sentence; a single line break does not. */
export function sentencesOf(text: string): readonly string[] {
  return text.split(/\n\s*\n/).flatMap((paragraph) => {
    const sentences: string[] = [];
    for (const { segment } of SENTENCES.segment(paragraph.replaceAll(/\s+/g, " "))) {
      const last = sentences.at(-1)?.trimEnd();
      if (last !== undefined && TITLE.test(last)) sentences[sentences.length - 1] += segment;
      else sentences.push(segment);
    }
    return sentences.map((sentence) => sentence.trim()).filter((sentence) => sentence !== "");
  });
}

/** The words of a sentence in lower case, without punctuation. */
export function wordsOf(sentence: string): readonly string[] {
  return Array.from(WORDS.segment(sentence)).flatMap(({ segment, isWordLike }) => (isWordLike === true ? [segment.toLowerCase()] : []));
}

/** A kind of character that people do not see and models read. */
interface HiddenKind {
  readonly what: string;
  readonly pattern: RegExp;
}

/** Flags of regions (🏴 and tags up to the cancel tag) are the one use of tag characters that people see. */
const KINDS: readonly HiddenKind[] = [
  { what: "hidden text in tag characters", pattern: /(?<!\u{1f3f4}[\u{e0061}-\u{e007a}]{0,6})[\u{e0000}-\u{e007f}]+/gu },
  { what: "hidden text in variation selectors", pattern: /[\u{e0100}-\u{e01ef}]{2,}|[\ufe00-\ufe0f]{2,}/gu },
  { what: "characters that turn the direction of text", pattern: /[\u202a-\u202e\u2066-\u2069]+/g },
  // Joiners belong into Persian, Indic scripts and emoji; between Latin letters they only break words up.
  { what: "zero-width characters", pattern: /[\u200b\u2060-\u2064\u180e]+|(?<!^)\ufeff+|(?<=[\w.,;:!? ])[\u200c\u200d]+(?=[\w.,;:!? ])/g },
];

/** No text without one of these needs to be looked at closer. */
const ANY = /\u180e|[\u200b-\u200d]|[\u202a-\u202e]|[\u2060-\u2069]|[\ufe00-\ufe0f]|\ufeff|\udb40/;

/** A text without what is hidden in it, what that was, and what tag characters spell. */
export interface Revealed {
  readonly text: string;
  readonly found: readonly string[];
  readonly spelled: string;
}

/** Takes hidden characters out. */
export function reveal(text: string): Revealed {
  if (!ANY.test(text)) return { text, found: [], spelled: "" };
  const found: string[] = [];
  let clean = text;
  let spelled = "";
  for (const { what, pattern } of KINDS) {
    const next = clean.replaceAll(pattern, (characters) => {
      spelled += spell(characters);
      return "";
    });
    if (next !== clean) found.push(what);
    clean = next;
  }
  return { text: clean, found, spelled };
}

/** Tag characters are ASCII, 0xE0000 higher; variation selectors carry bytes. */
function spell(characters: string): string {
  let text = "";
  for (const character of characters) {
    const code = character.codePointAt(0) ?? 0;
    if (code >= 0xe_00_20 && code < 0xe_00_7f) text += String.fromCharCode(code - 0xe_00_00);
    else if (code >= 0xe_01_00 && code <= 0xe_01_ef) text += String.fromCharCode(code - 0xe_01_00 + 16);
  }
  return text;
}

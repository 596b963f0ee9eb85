/** What people do not see, or see in another order: control characters, marks of direction, spaces that are none, fillers. */
const HIDDEN = /(?! |\n)[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}\u2800]/gu;

/** A text in which everything can be seen: hidden characters stand as escapes. */
export function visible(text: string): string {
  return text.replaceAll(HIDDEN, (character) =>
    character
      .split("")
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
      .join(""),
  );
}

/** Whether a text looks other than it is. */
export function hasHidden(text: string): boolean {
  return visible(text) !== text;
}

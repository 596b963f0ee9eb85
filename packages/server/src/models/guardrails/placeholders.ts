import { createHmac } from "node:crypto";
import type { Finder } from "./finder.ts";

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const NAME_LETTERS = 6;
const PLACEHOLDER = /\[[A-Z][A-Z_]{0,40}_[A-Z2-7]{6}\]/g;
/** The longest one that the pattern finds. */
const PLACEHOLDER_CHARACTERS_MAX = 50;

/**
 * Names for what was taken out. The same value has the same name wherever it stands and in every request of a tenant, so that a model
 * that sees a conversation again and again sees the same names; without the key, nobody can try values out against a name.
 */
export class Placeholders {
  readonly #key: Buffer;
  readonly #tenant: string;
  readonly #values = new Map<string, string>();

  constructor(key: Buffer, tenant: string) {
    this.#key = key;
    this.#tenant = tenant;
  }

  /** Such as `[EMAIL_K7Q2MD]`. */
  nameOf(what: string, value: string): string {
    const bytes = createHmac("sha256", this.#key)
      .update(JSON.stringify([this.#tenant, what, value]))
      .digest();
    let name = "";
    for (let index = 0; index < NAME_LETTERS; index += 1) name += LETTERS[(bytes[index] ?? 0) & 31];
    return `[${what.toUpperCase().replaceAll(/[^A-Z]+/g, "_")}_${name}]`;
  }

  /** A name that is to be turned back into its value where the model uses it. */
  remember(name: string, value: string): void {
    this.#values.set(name, value);
  }

  get isEmpty(): boolean {
    return this.#values.size === 0;
  }

  valueOf(name: string): string {
    return this.#values.get(name) ?? name;
  }

  /** Finds the names that have a value. */
  finder(): Finder {
    return {
      what: "placeholder",
      next: (text, from) => {
        PLACEHOLDER.lastIndex = from;
        for (let match = PLACEHOLDER.exec(text); match !== null; match = PLACEHOLDER.exec(text)) {
          if (this.#values.has(match[0])) return { start: match.index, foundAt: match.index, end: match.index + match[0].length };
          PLACEHOLDER.lastIndex = match.index + 1;
        }
        return undefined;
      },
      decidedUntil(text, from) {
        const open = text.lastIndexOf("[");
        const isOpen = open >= from && text.length - open < PLACEHOLDER_CHARACTERS_MAX && /^\[[A-Z_2-7]*$/.test(text.slice(open));
        return isOpen ? open : text.length;
      },
    };
  }
}

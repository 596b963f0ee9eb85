import { AppError } from "@tutti/core";
import Fraction from "fraction.js";
import { CONSTANTS, FUNCTIONS, negate, OPERATORS, percent } from "./functions.ts";
import { DIGITS_MAX, exact, type Value } from "./number.ts";

/** Longer expressions are refused. */
export const EXPRESSION_CHARACTERS_MAX = 2_000;

/** Deeper nesting is refused, so that no expression can run out of stack. */
const DEPTH_MAX = 100;

const ARGUMENTS_MAX = 100;

interface Token {
  readonly type: "number" | "name" | "sign" | "end";
  readonly text: string;
  readonly at: number;
}

const TOKEN =
  /\s*(?:(?<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)|(?<name>divided\s+by\b|\p{L}[\p{L}\d_]*)|(?<sign>\*\*|[-+*/%^(),×·÷−]))/uy;

/** Other ways to write an operator. */
const SAME: ReadonlyMap<string, string> = new Map([
  ["plus", "+"],
  ["−", "-"],
  ["minus", "-"],
  ["×", "*"],
  ["·", "*"],
  ["times", "*"],
  ["of", "*"],
  ["÷", "/"],
  ["divided by", "/"],
  ["mod", "%"],
  ["percent", "%"],
  ["**", "^"],
]);

/**
 * Reads and computes an expression in one pass, so that every error, of syntax or of arithmetic, knows its place. Throws `invalid_input` only.
 *
 *     sum      = product { ("+" | "-") product }
 *     product  = sign { ("*" | "/" | "%" | "mod" | "of") sign }
 *     sign     = { "+" | "-" } power
 *     power    = percent [ "^" sign ]
 *     percent  = operand { "%" }
 *     operand  = number | constant | function "(" sum { "," sum } ")" | "(" sum ")"
 *
 * "%" is the remainder where an operand follows, else a hundredth: `7 % 3` is 1, `15% of 240` is 36. A minus binds looser than a power:
 * `-2^2` is -4. Operators may be words: `6 times 7`, `1 divided by 3`, `15 percent of 240`. jsep was tried for this: it reads `-2^2` as 4, and its syntax trees know no places.
 */
export function evaluate(expression: string): Value {
  if (expression.length > EXPRESSION_CHARACTERS_MAX) {
    throw new AppError(
      "invalid_input",
      `wanted an expression of at most ${EXPRESSION_CHARACTERS_MAX} characters, got ${expression.length}`,
    );
  }
  return new Evaluation(tokens(expression)).whole();
}

/** The place in the tokens, and the way down the grammar. */
class Evaluation {
  readonly #tokens: readonly Token[];
  #next = 0;
  #depth = 0;

  constructor(list: readonly Token[]) {
    this.#tokens = list;
  }

  whole(): Value {
    const value = this.#sum();
    if (this.#token.type === "end") return value;
    if (this.#token.text === ",") throw wanted("an operator", this.#token, "; write 1000, not 1,000");
    throw wanted("an operator or the end", this.#token);
  }

  #sum(): Value {
    let value = this.#product();
    for (let sign = this.#take("+", "-"); sign !== undefined; sign = this.#take("+", "-")) {
      value = applied(sign, value, this.#product());
    }
    return value;
  }

  #product(): Value {
    let value = this.#sign();
    for (let sign = this.#take("*", "/", "%"); sign !== undefined; sign = this.#take("*", "/", "%")) {
      value = applied(sign, value, this.#sign());
    }
    return value;
  }

  #sign(): Value {
    return this.#deeper(() => {
      if (this.#take("+") !== undefined) return this.#sign();
      if (this.#take("-") !== undefined) return negate(this.#sign());
      return this.#power();
    });
  }

  #power(): Value {
    const base = this.#percent();
    const sign = this.#take("^");
    return sign === undefined ? base : applied(sign, base, this.#sign());
  }

  #percent(): Value {
    let value = this.#operand();
    while (this.#token.text === "%" && !this.#operandFollows()) {
      this.#next += 1;
      value = percent(value);
    }
    return value;
  }

  #operand(): Value {
    const token = this.#token;
    this.#next += 1;
    if (token.type === "number") return literal(token);
    if (token.type === "name") return CONSTANTS.get(token.text.toLowerCase()) ?? this.#call(token);
    if (token.text === "(") return this.#closed(this.#sum());
    throw wanted('a number, a name or "("', token);
  }

  #call(name: Token): Value {
    const called = FUNCTIONS.get(name.text.toLowerCase());
    if (called === undefined) throw wanted(`one of ${[...CONSTANTS.keys(), ...FUNCTIONS.keys()].join(", ")}`, name);
    if (this.#take("(") === undefined) throw wanted(`"(" after ${name.text}`, this.#token);
    const values: [Value, ...Value[]] = [this.#sum()];
    while (this.#take(",") !== undefined && values.length < ARGUMENTS_MAX) values.push(this.#sum());
    this.#closed(values[0]);
    const [min, max] = called.arguments;
    if (values.length >= min && values.length <= max) return placed(name, () => called.call(values));
    throw new AppError(
      "invalid_input",
      `${name.text} at position ${name.at} takes ${min === max ? min : `${min} to ${max}`} arguments, got ${values.length}`,
    );
  }

  #closed(value: Value): Value {
    if (this.#take(")") === undefined) throw wanted('an operator or ")"', this.#token);
    return value;
  }

  #deeper(read: () => Value): Value {
    this.#depth += 1;
    if (this.#depth > DEPTH_MAX)
      throw new AppError("invalid_input", `more than ${DEPTH_MAX} levels of nesting at position ${this.#token.at}`);
    const value = read();
    this.#depth -= 1;
    return value;
  }

  get #token(): Token {
    // The last token is the end, and nobody reads past it.
    return this.#tokens[this.#next] ?? { type: "end", text: "", at: 1 };
  }

  #operandFollows(): boolean {
    const token = this.#tokens[this.#next + 1];
    return token !== undefined && (token.type === "number" || token.type === "name" || token.text === "(");
  }

  #take<S extends string>(...signs: readonly S[]): { readonly sign: S; readonly at: number } | undefined {
    const { type, text, at } = this.#token;
    const sign = type === "sign" ? signs.find((one) => one === text) : undefined;
    if (sign === undefined) return undefined;
    this.#next += 1;
    return { sign, at };
  }
}

function tokens(expression: string): readonly Token[] {
  const list: Token[] = [];
  let at = 0;
  const end = expression.trimEnd().length;
  while (at < end) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(expression);
    const { number, name, sign } = match?.groups ?? {};
    const text = number ?? name ?? sign;
    const place = match === null ? at + leadingSpaces(expression.slice(at)) : TOKEN.lastIndex - (text?.length ?? 0);
    if (text === undefined)
      throw new AppError(
        "invalid_input",
        `wanted a number, a name or an operator at position ${place + 1}, got "${characterAt(expression, place)}"`,
      );
    const same = SAME.get(text.toLowerCase().replaceAll(/\s+/g, " "));
    const type = number !== undefined ? "number" : name !== undefined && same === undefined ? "name" : "sign";
    list.push({ type, text: same ?? text, at: place + 1 });
    at = place + text.length;
  }
  return [...list, { type: "end", text: "the end", at: end + 1 }];
}

const leadingSpaces = (text: string): number => text.length - text.trimStart().length;
const characterAt = (text: string, index: number): string => String.fromCodePoint(text.codePointAt(index) ?? 0);

function literal({ text, at }: Token): Value {
  // "1,000" inside a function would otherwise be read as two numbers.
  if (/^0\d/.test(text)) throw new AppError("invalid_input", `the number at position ${at} begins with 0; write 1000, not 1,000`);
  const [mantissa = "", exponent = "0"] = text.toLowerCase().split("e");
  const [whole = "", decimals = ""] = mantissa.split(".");
  const places = Number(exponent) - decimals.length;
  if (mantissa.length > DIGITS_MAX || Math.abs(places) > DIGITS_MAX)
    throw new AppError("invalid_input", `the number at position ${at} has more than ${DIGITS_MAX} digits`);
  const digits = BigInt(whole + decimals);
  const scale = 10n ** BigInt(Math.abs(places));
  return placed({ at }, () => exact(places < 0 ? new Fraction(digits, scale) : new Fraction(digits * scale)));
}

function applied({ sign, at }: { readonly sign: keyof typeof OPERATORS; readonly at: number }, left: Value, right: Value): Value {
  return placed({ at }, () => OPERATORS[sign](left, right));
}

/** Adds the place to what arithmetic complains about. */
function placed({ at }: { readonly at: number }, compute: () => Value): Value {
  try {
    return compute();
  } catch (error) {
    throw new AppError("invalid_input", `${AppError.from(error).message}, at position ${at}`, { cause: error });
  }
}

function wanted(what: string, got: Token, hint = ""): AppError {
  return new AppError(
    "invalid_input",
    `wanted ${what} at position ${got.at}, got ${got.type === "end" ? got.text : `"${got.text}"`}${hint}`,
  );
}

/** The items a mail lists, as an expression for a calculator, and the total it states. */
export type Amounts = {
  readonly expression: string;
  readonly items: number;
  readonly stated: string | undefined;
};

const ITEMS_MAX = 200;
const QUANTITY = /^(\d{1,6})\s*[x×]\s/i;
/** An amount at the end of a line, with the currency before it, after it, or not at all. */
const AMOUNT = /(?:^|\s)(?:EUR|GBP|USD|[€$£])?\s?(-?\d{1,3}(?:[.,]\d{3})*[.,]\d{2}|-?\d+[.,]\d{2})\s*(?:EUR|GBP|USD|[€$£])?$/;
const TOTAL = /^(grand total|total|sum|gesamtsumme|summe|gesamt|somme)\b/i;

/** Finds lines that end with an amount: "2 x Bulb 7.45 EUR", "Versand 9,90 €". Pure; `undefined` when there are none. */
export function findAmounts(body: string): Amounts | undefined {
  const terms: string[] = [];
  let stated: string | undefined;
  for (const line of body.split("\n").map((text) => text.trim())) {
    const amount = AMOUNT.exec(line)?.[1];
    if (amount === undefined || terms.length >= ITEMS_MAX || isSentence(line)) continue;
    if (TOTAL.test(line)) stated = toDecimal(amount);
    else terms.push(term(QUANTITY.exec(line)?.[1], toDecimal(amount)));
  }
  return terms.length === 0 ? undefined : { expression: terms.join(" + "), items: terms.length, stated };
}

/** A calculator's answer with two decimals, as people write money. */
export function toMoney(result: string): string {
  return Number(result).toFixed(2);
}

function term(quantity: string | undefined, price: string): string {
  const value = price.startsWith("-") ? `(${price})` : price;
  return quantity === undefined ? value : `${quantity} * ${value}`;
}

/** "1.672,80" and "1,672.80" are 1672.80: the last separator is the decimal one. */
function toDecimal(amount: string): string {
  return `${amount.slice(0, -3).replaceAll(/[.,]/g, "")}.${amount.slice(-2)}`;
}

/** Prose may end with an amount too, but a list's lines are short. */
function isSentence(line: string): boolean {
  return line.length > 80 || /[.!?]\s/.test(line);
}

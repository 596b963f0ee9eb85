import { remainder97 } from "./checksums.ts";

function digitsOf(text: string): readonly number[] {
  return Array.from(text.replaceAll(/\D/g, ""), Number);
}

function weighted(digits: readonly number[], weights: readonly number[]): number {
  return weights.reduce((sum, weight, index) => sum + weight * (digits[index] ?? 0), 0);
}

/** Numbers that were never given out: area 000, 666 and 900 to 999, group 00, serial 0000 (Social Security Administration, since 2011). */
export function isUsSsn(text: string): boolean {
  return !/^(?:000|666|9)/.test(text) && text.slice(4, 6) !== "00" && !text.endsWith("0000");
}

/** Two check digits by weights modulo 11. */
export function isBrazilianCpf(text: string): boolean {
  const digits = digitsOf(text);
  if (new Set(digits).size === 1) return false;
  const check = (weights: readonly number[]): number => ((weighted(digits, weights) * 10) % 11) % 10;
  return check([10, 9, 8, 7, 6, 5, 4, 3, 2]) === digits[9] && check([11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) === digits[10];
}

/** DNI and NIE: the letter is the number modulo 23. */
export function isSpanishId(text: string): boolean {
  const number = Number(text.slice(0, 8).replace("X", "0").replace("Y", "1").replace("Z", "2"));
  return "TRWAGMYFPDXBNJZSQVHLCKE"[number % 23] === text.at(-1);
}

/** What the letters and digits at odd places count in an Italian tax code (decree of 23 December 1976). */
const ODD = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];

/** The codice fiscale's last letter. */
export function isItalianCode(text: string): boolean {
  let sum = 0;
  for (let index = 0; index < 15; index += 1) {
    const code = text.charCodeAt(index);
    const value = code < 58 ? code - 48 : code - 65;
    sum += index % 2 === 0 ? (ODD[value] ?? 0) : value;
  }
  return text.charCodeAt(15) - 65 === sum % 26;
}

/** The key is 97 minus the number modulo 97; Corsica's departments 2A and 2B count as 19 and 18. */
export function isFrenchNir(text: string): boolean {
  const compact = text.replaceAll(" ", "").replace("2A", "19").replace("2B", "18");
  const month = Number(compact.slice(3, 5));
  if (!/^\d{15}$/.test(compact) || month < 1 || (month > 12 && month < 20) || month > 42) return false;
  return 97 - remainder97(compact.slice(0, 13)) === Number(compact.slice(13));
}

/** GB 11643-1999: weights modulo 11, where X is 10. */
export function isChineseId(text: string): boolean {
  const sum = weighted(digitsOf(text.slice(0, 17)), [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]);
  return "10X98765432"[sum % 11] === text.slice(-1).toUpperCase();
}

/** A date of birth, whose month says the century, and weights modulo 10. */
export function isPolishPesel(text: string): boolean {
  const digits = digitsOf(text);
  const month = Number(text.slice(2, 4)) % 20;
  const day = Number(text.slice(4, 6));
  return month >= 1 && month <= 12 && day >= 1 && day <= 31 && weighted(digits, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]) % 10 === 0;
}

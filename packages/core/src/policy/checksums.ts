/** The Luhn checksum (ISO/IEC 7812-1, annex B) over a text's digits. */
function fitsLuhn(text: string): boolean {
  let sum = 0;
  let isDoubled = false;
  for (let index = text.length - 1; index >= 0; index -= 1) {
    const digit = text.charCodeAt(index) - 48;
    if (digit < 0 || digit > 9) continue;
    const value = isDoubled ? digit * 2 : digit;
    sum += value > 9 ? value - 9 : value;
    isDoubled = !isDoubled;
  }
  return sum % 10 === 0;
}

/** Lengths and first digits that card networks use, grouped as cards are printed or not at all. */
const CARDS =
  /^(?:3[47]\d{2}[ -]?\d{6}[ -]?\d{5}|3(?:0[0-5]|[68]\d)\d[ -]?\d{6}[ -]?\d{4}|[2-6]\d{3}(?:[ -]?\d{4}){3}(?:[ -]?\d{3})?|4\d{12})$/;

/** Whether a text is the number of a payment card. */
export function isCard(text: string): boolean {
  return CARDS.test(text) && fitsLuhn(text) && new Set(text.replaceAll(/\D/g, "")).size > 1;
}

/** How long IBANs are (SWIFT IBAN registry). */
const IBAN_LENGTHS: Readonly<Record<string, number>> = Object.fromEntries(
  "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30"
    .split(" ")
    .map((entry) => [entry.slice(0, 2), Number(entry.slice(2))]),
);

/** How many characters at the beginning of a text are an IBAN: its country's length, with a checksum that fits (ISO 13616). */
export function ibanLength(text: string): number {
  const length = IBAN_LENGTHS[text.slice(0, 2)];
  if (length === undefined) return 0;
  let end = 0;
  for (let letters = 0; letters < length; end += 1) {
    if (end >= text.length) return 0;
    if (text[end] !== " ") letters += 1;
  }
  const next = text[end] ?? "";
  if (/[A-Z0-9]/.test(next)) return 0;
  const compact = text.slice(0, end).replaceAll(" ", "");
  return remainder97(compact.slice(4) + compact.slice(0, 4)) === 1 ? end : 0;
}

/** The remainder by 97 of digits, and letters as 10 to 35. */
export function remainder97(text: string): number {
  let remainder = 0;
  for (const character of text) {
    const value = Number.parseInt(character, 36);
    remainder = (remainder * (value > 9 ? 100 : 10) + value) % 97;
  }
  return remainder;
}

/** Whether a text is as random as keys are: bits a character by how often each one occurs. Words and repetitions have fewer. */
export function hasEntropy(text: string, bitsMin: number): boolean {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length);
  return bits >= bitsMin;
}

import { hasEntropy, isCard, ibanLength } from "./checksums.ts";
import { isIpV4, isIpV6, isPhone } from "./shape-checks.ts";
import { isBrazilianCpf, isChineseId, isFrenchNir, isItalianCode, isPolishPesel, isSpanishId, isUsSsn } from "./national-ids.ts";

/**
 * What a secret or a piece of personal data looks like. Patterns are linear and bounded, so that a text can be searched as it arrives:
 * they look at most two characters behind and ahead of a match, and the first of two ahead belongs to `within`.
 */
export interface Shape {
  readonly name: string;
  /** Global. Where it has a group, only the group is the finding, and the match ends with it. */
  readonly pattern: RegExp;
  /** The longest match. */
  readonly charactersMax: number;
  /** The characters that a match can hold, as a character class without its brackets; "" for any. */
  readonly within: string;
  /** Every match begins with one of them. */
  readonly begins?: readonly string[];
  /** Every match holds this; a text without it need not be searched. */
  readonly holds?: string;
  /** Sticky: where it matches, nothing that comes later changes whether there is a match. */
  readonly decided?: RegExp;
  /** How many characters of a match are the real thing: 0 where a checksum does not fit. */
  readonly realLength?: (text: string) => number;
}

/** All of it, or nothing. */
function whole(isReal: (text: string) => boolean): (text: string) => number {
  return (text) => (isReal(text) ? text.length : 0);
}

/** A token that begins with its maker's prefix. */
function token(name: string, { begins, rest, within = "\\w-", ...options }: TokenForm): Shape {
  const heads = begins.map((head) => head.replaceAll(".", "\\.")).join("|");
  return {
    name,
    pattern: new RegExp(`(?<![A-Za-z0-9_])(?:${heads})${rest}`, "g"),
    charactersMax: options.charactersMax,
    within,
    begins,
    ...(options.isRandom && { realLength: whole((text) => hasEntropy(text, 2.8) && /\d/.test(text)) }),
  };
}

interface TokenForm extends Pick<Shape, "charactersMax"> {
  readonly begins: readonly string[];
  readonly rest: string;
  readonly within?: string;
  /** Words with hyphens look like it, too. */
  readonly isRandom?: true;
}

const PRIVATE_KEY = "[A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----";

/** Keys and tokens, by their makers' published forms. */
export const SECRET_SHAPES: readonly Shape[] = [
  {
    name: "private key",
    pattern: new RegExp(`-----BEGIN ${PRIVATE_KEY}[^-]{0,10000}(?:-----END ${PRIVATE_KEY})?`, "g"),
    charactersMax: 10_200,
    within: "",
    begins: ["-----BEGIN "],
    // The whole key is there, or this is the beginning of something else.
    decided: new RegExp(
      `-----BEGIN (?:${PRIVATE_KEY}[^-]{0,10000}-----END ${PRIVATE_KEY}|[A-Z ]{0,46}(?:[^A-Z -]|(?<!PRIVATE KEY|PRIVATE KEY BLOCK)-))`,
      "y",
    ),
  },
  {
    name: "jwt",
    pattern: /(?<![\w-])eyJ[\w-]{8,2000}\.[\w-]{8,4000}\.[\w-]{0,2000}/g,
    charactersMax: 8_010,
    within: "\\w.-",
    begins: ["eyJ"],
  },
  token("api key", { begins: ["sk-", "sk_", "pk_", "rk_"], rest: "[\\w-]{16,300}", charactersMax: 303, isRandom: true }),
  token("tutti key", { begins: ["tutti_", "tk_"], rest: "[\\w-]{20,100}", charactersMax: 106, isRandom: true }),
  token("github token", {
    begins: ["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"],
    rest: "\\w{16,255}",
    charactersMax: 266,
    within: "\\w",
  }),
  token("gitlab token", { begins: ["glpat-", "gldt-", "glrt-"], rest: "[\\w-]{16,100}", charactersMax: 106 }),
  token("slack token", {
    begins: ["xoxa-", "xoxb-", "xoxe-", "xoxp-", "xoxr-", "xoxs-", "xapp-"],
    rest: "[\\w-]{10,250}",
    charactersMax: 255,
  }),
  token("aws key", {
    begins: ["AKIA", "ASIA", "ABIA", "ACCA"],
    rest: "[A-Z0-9]{16}(?![A-Za-z0-9])",
    charactersMax: 20,
    within: "A-Za-z0-9",
  }),
  token("google key", { begins: ["AIza"], rest: "[\\w-]{35}(?![\\w-])", charactersMax: 39 }),
  token("google token", { begins: ["ya29."], rest: "[\\w-]{20,500}", charactersMax: 505, within: "\\w.-" }),
  token("sendgrid key", { begins: ["SG."], rest: "[\\w-]{16,32}\\.[\\w-]{32,64}", charactersMax: 100, within: "\\w.-" }),
  token("npm token", { begins: ["npm_"], rest: "[A-Za-z0-9]{36}", charactersMax: 40, within: "\\w" }),
  token("pypi token", { begins: ["pypi-AgE"], rest: "[\\w-]{40,300}", charactersMax: 308 }),
  token("hugging face token", { begins: ["hf_"], rest: "[A-Za-z0-9]{30,60}", charactersMax: 63, within: "\\w" }),
  token("shopify token", { begins: ["shpat_", "shpca_", "shppa_", "shpss_"], rest: "[A-Fa-f0-9]{32}", charactersMax: 38, within: "\\w" }),
  token("digitalocean token", { begins: ["dop_v1_", "doo_v1_", "dor_v1_"], rest: "[a-f0-9]{64}", charactersMax: 71, within: "\\w" }),
  token("vault token", { begins: ["hvs.", "hvb."], rest: "[\\w-]{24,200}", charactersMax: 204, within: "\\w.-" }),
  token("provider key", {
    begins: ["gsk_", "xai-", "pplx-", "r8_", "lin_api_", "dapi"],
    rest: "[A-Za-z0-9]{30,100}",
    charactersMax: 108,
    isRandom: true,
  }),
  token("webhook secret", { begins: ["whsec_"], rest: "[A-Za-z0-9+/=]{24,100}", charactersMax: 106, within: "\\w+/=" }),
  token("age key", { begins: ["AGE-SECRET-KEY-1"], rest: "[A-Z0-9]{58}", charactersMax: 74 }),
  {
    name: "bearer token",
    pattern: /(?<!\w)(?:bearer|Bearer|BEARER) {1,4}([\w.~+/=-]{16,2000})/g,
    charactersMax: 2_010,
    within: "\\w.~+/= -",
    begins: ["bearer ", "Bearer ", "BEARER "],
    realLength: whole((text) => hasEntropy(text, 2.8) && /\d/.test(text)),
  },
  {
    name: "password in a URL",
    // In URLs, other characters than these are written as percent signs and digits.
    pattern: /:\/\/[!-.0-9;-?A-~]{1,100}:([!-.0-9;-?A-~]{3,100})(?=@)/g,
    charactersMax: 204,
    within: "!-~",
    begins: ["://"],
  },
  {
    name: "assigned secret",
    pattern:
      /(?<![a-z])(?:(?:api|Api|API)[_-]?(?:key|Key|KEY)|secret|Secret|SECRET|token|Token|TOKEN|password|Password|PASSWORD)["']?[ \t]{0,3}[:=]{1,2}[ \t]{0,3}["']?([\w+/.=-]{16,200})/g,
    charactersMax: 230,
    within: "\\w \t:\"'+/.=-",
    begins: ["api", "Api", "API", "secret", "Secret", "SECRET", "token", "Token", "TOKEN", "password", "Password", "PASSWORD"],
    realLength: whole((text) => hasEntropy(text, 3.2) && /\d/.test(text) && /[a-z]/i.test(text)),
  },
];

/** Data that leads to a person, where its form or a checksum says so. */
export const PERSONAL_SHAPES: readonly Shape[] = [
  {
    name: "email",
    pattern: /(?<![\w.+-])[\w.+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,5}\.[A-Za-z]{2,24}(?![\w-])/g,
    charactersMax: 475,
    within: "\\w.+@-",
    holds: "@",
  },
  {
    name: "iban",
    pattern: /(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}/g,
    charactersMax: 64,
    within: "A-Z0-9 ",
    realLength: ibanLength,
  },
  {
    name: "card number",
    pattern: /(?<![\d.,-])[2-6]\d{3}(?:[ -]?\d{2,7}){2,5}(?![\d])/g,
    charactersMax: 44,
    within: "\\d -",
    realLength: whole(isCard),
  },
  {
    name: "phone number",
    pattern: /(?<![\w.,+/-]|\d )(?:\+\d{1,3}[ .-]?)?(?:\(\d{1,4}\)[ .-]?)?\d{1,5}(?:[ ./-]?\d{2,5}){1,5}(?![\w]|[.,-]\d)/g,
    charactersMax: 48,
    within: "\\d+() .,/-",
    realLength: whole(isPhone),
  },
  {
    name: "ip address",
    pattern: /(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?!\w|\.\d)|(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![\w:])/g,
    charactersMax: 40,
    within: "0-9A-Fa-f:.",
    realLength: whole((text) => isIpV4(text) || isIpV6(text)),
  },
  nationalId("us social security number", /(?<![\w-])\d{3}-\d{2}-\d{4}(?![\w-])/g, { charactersMax: 11, within: "\\d-", isReal: isUsSsn }),
  nationalId("brazilian cpf", /(?<![\w.])\d{3}\.\d{3}\.\d{3}-\d{2}(?!\w)/g, { charactersMax: 14, within: "\\d.-", isReal: isBrazilianCpf }),
  nationalId("spanish id", /(?<!\w)[XYZ\d]\d{7}-?[A-Z](?!\w)/g, { charactersMax: 10, within: "\\w-", isReal: isSpanishId }),
  nationalId("italian tax code", /(?<!\w)[A-Z]{6}[\dL-NP-V]{2}[A-EHLMPRST][\dL-NP-V]{2}[A-Z][\dL-NP-V]{3}[A-Z](?!\w)/g, {
    charactersMax: 16,
    within: "\\w",
    isReal: isItalianCode,
  }),
  nationalId("french social security number", /(?<!\w)[12] ?\d{2} ?\d{2} ?\d[\dAB] ?\d{3} ?\d{3} ?\d{2}(?!\w)/g, {
    charactersMax: 21,
    within: "\\dAB ",
    isReal: isFrenchNir,
  }),
  nationalId("chinese resident id", /(?<!\w)\d{6}(?:19|20)\d{2}[01]\d[0-3]\d{4}[\dXx](?!\w)/g, {
    charactersMax: 18,
    within: "\\w",
    isReal: isChineseId,
  }),
  nationalId("polish pesel", /(?<![\w.,-])\d{11}(?!\w|[.,]\d)/g, { charactersMax: 11, within: "\\d.,", isReal: isPolishPesel }),
];

function nationalId(
  name: string,
  pattern: RegExp,
  {
    charactersMax,
    within,
    isReal,
  }: { readonly charactersMax: number; readonly within: string; readonly isReal: (text: string) => boolean },
): Shape {
  return { name, pattern, charactersMax, within, realLength: whole(isReal) };
}

import type { Mail } from "./mail.ts";

/** What a mail is about. */
export type Kind = "safety" | "refund" | "invoice" | "delivery" | "quote" | "address" | "thanks" | "spam" | "empty" | "other";

/** What a mail is about, how soon somebody should look at it (1 is now), and why. */
export type Classification = {
  readonly kind: Kind;
  readonly priority: 1 | 2 | 3 | 4 | 5;
  readonly reasons: readonly string[];
};

interface Clue {
  readonly kind: Kind;
  readonly pattern: RegExp;
  readonly weight: number;
}

/** The subject says more than the body: a clue there counts this often. */
const SUBJECT_WEIGHT = 2;
const REASONS_MAX = 5;
const PRIORITIES: Readonly<Record<Kind, Classification["priority"]>> = {
  safety: 1,
  refund: 3,
  invoice: 3,
  delivery: 3,
  address: 3,
  quote: 3,
  other: 3,
  empty: 4,
  thanks: 4,
  spam: 5,
};

const CLUES: readonly Clue[] = [
  { kind: "safety", pattern: /\b(fire hazard|smells? of burning|smoke|electric shock|brandgefahr|stromschlag)\b/gi, weight: 8 },
  {
    kind: "refund",
    pattern: /\b(refund|money back|give back the money|give the amount back|every cent back|erstattung|remboursement)\b/gi,
    weight: 3,
  },
  { kind: "refund", pattern: /\b(broken|in pieces|defective|faulty|known fault|kaputt|cassée?)\b/gi, weight: 1 },
  { kind: "invoice", pattern: /\b(invoice|rechnung|facture)\b/gi, weight: 3 },
  { kind: "invoice", pattern: /\b(does not add up|corrected one|korrigierte|nicht nachvollziehen)\b/gi, weight: 2 },
  { kind: "delivery", pattern: /\b(where is|when it will arrive|tracking page|late|wo bleibt|où est)\b/gi, weight: 2 },
  { kind: "quote", pattern: /\b(quote|trade discount|angebot|devis)\b/gi, weight: 3 },
  { kind: "address", pattern: /(change of address|adressänderung|changement d'adresse|nouvelle adresse|changer l'adresse)/gi, weight: 3 },
  { kind: "thanks", pattern: /\b(thank you so much|everybody loves|vielen dank für|merci beaucoup)\b/gi, weight: 2 },
  { kind: "spam", pattern: /\b(click here|act now|limited time offer|first page of the search|unsubscribe here)\b/gi, weight: 3 },
  { kind: "spam", pattern: /\b(verify your account|enter your password|account (has been|is) suspended|card number)\b/gi, weight: 4 },
];

/** Words that make a mail more urgent, whatever it is about. */
const PRESSURE: readonly (readonly [pattern: RegExp, reason: string])[] = [
  [/\b(lawyer|consumer protection|rechtsanwalt|avocat)\b/i, "threatens with a lawyer"],
  [/\b(third time|nobody has answered|had no answer)\b/i, "has written before"],
  [/\b(within \d+ hours|bis (montag|dienstag|mittwoch|donnerstag|freitag)|on saturday)\b/i, "names a deadline"],
];

/** Says what a mail is about, by clues that anybody can read and change. Pure, so the same mail always gets the same answer. */
export function classify(mail: Mail): Classification {
  if (mail.body === "") return { kind: "empty", priority: PRIORITIES.empty, reasons: ["the mail has no text"] };
  const body = mail.body.replaceAll(/\s+/g, " ");
  const found = CLUES.flatMap(({ kind, pattern, weight }) => {
    const inSubject = phrases(mail.subject, pattern);
    const inBody = phrases(body, pattern).filter((phrase) => !inSubject.includes(phrase));
    return [
      ...inSubject.map((phrase) => ({ kind, score: weight * SUBJECT_WEIGHT, reason: `subject says "${phrase}"` })),
      ...inBody.map((phrase) => ({ kind, score: weight, reason: `says "${phrase}"` })),
    ];
  });
  const kind = heaviest(found);
  const clues = found.filter((clue) => clue.kind === kind).map(({ reason }) => reason);
  const pressure =
    kind === "spam" ? [] : PRESSURE.filter(([pattern]) => pattern.test(`${mail.subject} ${body}`)).map(([, reason]) => reason);
  const reasons = [...pressure, ...(clues.length === 0 ? ["no clue fits"] : clues)].slice(0, REASONS_MAX);
  return { kind, priority: pressure.length > 0 ? sooner(PRIORITIES[kind]) : PRIORITIES[kind], reasons };
}

/** What a pattern finds in a text, each phrase once. */
function phrases(text: string, pattern: RegExp): readonly string[] {
  return [...new Set([...text.matchAll(pattern)].map(([phrase]) => phrase.toLowerCase()))];
}

function heaviest(found: readonly { readonly kind: Kind; readonly score: number }[]): Kind {
  const scores = new Map<Kind, number>();
  for (const { kind, score } of found) scores.set(kind, (scores.get(kind) ?? 0) + score);
  return [...scores].toSorted(([, a], [, b]) => b - a)[0]?.[0] ?? "other";
}

/** Only what can hurt somebody is priority 1; pressure alone never makes it that. */
function sooner(priority: Classification["priority"]): Classification["priority"] {
  return priority <= 3 ? (Math.min(priority, 2) as 1 | 2) : 3;
}

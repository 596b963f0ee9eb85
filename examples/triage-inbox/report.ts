import type { Classification } from "./classify.ts";
import type { Mail } from "./mail.ts";

/** A mail with all that was found out about it. */
export type Triaged = Omit<Mail, "body"> &
  Classification & {
    readonly file: string;
    readonly summary: string;
    readonly total: Total | null;
  };

/** What a mail's items come to, and by how much the total it states is off. */
export type Total = {
  readonly items: number;
  readonly computed: string;
  readonly stated: string | null;
  readonly difference: string | null;
};

const NEXT: Readonly<Record<Classification["kind"], string>> = {
  safety: "call the customer now, stop selling the product until it is checked",
  refund: "check the order, then refund",
  invoice: "check the invoice, send a corrected one if it is wrong",
  delivery: "ask the carrier, then tell the customer a date",
  quote: "send a quote",
  address: "change the address before the parcel leaves",
  thanks: "say thank you",
  spam: "delete",
  empty: "ask what is wanted",
  other: "read and answer",
};

/** Mails in the order in which they should be answered: the most urgent first, then the oldest. Pure. */
export function rank(mails: readonly Triaged[]): readonly Triaged[] {
  return mails.toSorted((a, b) => a.priority - b.priority || a.sentAt.localeCompare(b.sentAt) || a.file.localeCompare(b.file));
}

/** The report for people. It holds nothing that two runs over the same mails would tell differently. Pure. */
export function toMarkdown(queue: readonly Triaged[]): string {
  const rows = queue.map(
    ({ priority, kind, from, subject, total }, index) =>
      `| ${[index + 1, priority, kind, from, subject, total === null ? "" : total.computed].map(String).map(cell).join(" | ")} |`,
  );
  return [
    `# ${queue.length} mails, most urgent first`,
    "",
    "| # | priority | about | from | subject | amount |",
    "| --- | --- | --- | --- | --- | ---: |",
    ...rows,
    "",
    ...queue.flatMap(section),
  ].join("\n");
}

function section(mail: Triaged, index: number): readonly string[] {
  return [
    `## ${index + 1}. ${text(mail.subject)}`,
    "",
    `From ${text(mail.from)}${mail.sentAt === "" ? "" : `, ${mail.sentAt.slice(0, 10)}`}, in \`${mail.file}\`.`,
    "",
    `- Why: ${text(mail.reasons.join("; "))}`,
    ...(mail.total === null ? [] : [`- Amount: ${describe(mail.total)}`]),
    `- Next: ${NEXT[mail.kind]}`,
    "",
    ...text(mail.summary)
      .split("\n")
      .map((line) => `> ${line}`.trimEnd()),
    "",
  ];
}

function describe({ items, computed, stated, difference }: Total): string {
  const sum = `${items} ${items === 1 ? "item comes" : "items come"} to ${computed}`;
  if (stated === null || difference === null) return sum;
  return Number(difference) === 0 ? `${sum}, as the mail says` : `${sum}, but the mail says ${stated}, which is off by ${difference}`;
}

/** What strangers wrote must not become headings, links or tags of ours. */
function text(written: string): string {
  return written.replaceAll(/[\\`*_[\]<>#|]/g, (character) => `\\${character}`);
}

function cell(written: string): string {
  return text(written).replaceAll(/\s+/g, " ");
}

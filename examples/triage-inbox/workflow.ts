import { fileURLToPath } from "node:url";
import { defineWorkflow, type Json, type RunContext } from "@tutti/core";
import { findAmounts, toMoney } from "./amounts.ts";
import { classify } from "./classify.ts";
import type { Mail } from "./mail.ts";
import { rank, toMarkdown, type Total, type Triaged } from "./report.ts";
import { shape } from "./shape.ts";
import { listMails, readMail, writeReport } from "./tools.ts";

/** Longer texts are summarised by an agent; of shorter ones the beginning is enough. */
const SUMMARY_CHARACTERS_MAX = 240;
const LONG_CHARACTERS_MIN = 1200;
const MAILS_AT_ONCE = 4;

type TriageInput = { readonly mails?: string; readonly output?: string };

/** Reads a folder of mails and writes down which to answer first, and why. */
export const triageInbox = defineWorkflow<TriageInput, Json>({
  name: "triage-inbox",
  version: "1",
  description: "Reads a folder of customer mails, finds out what each is about, and writes a queue with the most urgent first.",
  input: shape<TriageInput>({ mails: "optional text", output: "optional text" }),
  async run(ctx, { mails = here("mails"), output = here("out") }) {
    const files = (await ctx.call(listMails.name, { folder: mails })) as readonly string[];
    const triaged = await ctx.map(files, (branch, file) => triage(branch, mails, file), { concurrency: MAILS_AT_ONCE });
    const queue = await ctx.step("rank", () => rank(triaged));
    const report = await ctx.call(writeReport.name, {
      folder: output,
      markdown: toMarkdown(queue),
      json: `${JSON.stringify(queue, null, 2)}\n`,
    });
    return {
      mails: queue.length,
      urgent: queue.filter(({ priority }) => priority <= 2).map(({ kind, subject }) => `${kind}: ${subject}`),
      report,
    };
  },
});

async function triage(ctx: RunContext, folder: string, file: string): Promise<Triaged> {
  const { body, ...mail } = (await ctx.call(readMail.name, { folder, file })) as Mail;
  const classification = await ctx.step("classify", () => classify({ ...mail, body }));
  const total = classification.kind === "spam" ? null : await addUp(ctx, body);
  return { file, ...mail, ...classification, total, summary: await summarise(ctx, body) };
}

/** The calculator works with exact decimals, which JavaScript's numbers are not. */
async function addUp(ctx: RunContext, body: string): Promise<Total | null> {
  const amounts = findAmounts(body);
  if (amounts === undefined) return null;
  const { expression, items, stated } = amounts;
  const computed = toMoney(await calculate(ctx, expression));
  if (stated === undefined) return { items, computed, stated: null, difference: null };
  return { items, computed, stated, difference: toMoney(await calculate(ctx, `${stated} - (${computed})`)) };
}

async function calculate(ctx: RunContext, expression: string): Promise<string> {
  const { result } = (await ctx.call("safe_calc", { expression })) as { readonly result: string };
  return result;
}

/** Holly picks the key sentences by herself, and writes a better summary where a model is configured. */
async function summarise(ctx: RunContext, body: string): Promise<string> {
  if (body === "") return "(no text)";
  if (body.length < LONG_CHARACTERS_MIN) return body.length <= SUMMARY_CHARACTERS_MAX ? body : `${body.slice(0, SUMMARY_CHARACTERS_MAX)}…`;
  const { reply } = (await ctx.start("holly", { messages: [{ role: "user", content: `summarize: ${body}` }] })) as {
    readonly reply: { readonly content: string };
  };
  return reply.content;
}

function here(folder: string): string {
  return fileURLToPath(new URL(folder, import.meta.url));
}

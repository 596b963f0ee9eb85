import type { KeyChanges, BudgetLeft, KeyEntry, KeyRequest, Limits } from "@tutti/client";
import { InvalidArgumentError, type Command } from "commander";
import { connect } from "../connect.ts";
import { UsageError, type Shell } from "../shell.ts";
import { table } from "../table.ts";
import { piece, type Style } from "../terminal.ts";
import { printable } from "../terminal-text.ts";
import { ago } from "../time.ts";

const EXAMPLES = `
Examples:
  tutti keys create shop --team web --models "gpt-*,text-embedding-*" --requests-per-minute 60 --budget "20/month"
  tutti keys create laptop --user ada --budget "1/day" --budget "500000 tokens/week" --expires-at 2027-01-01T00:00:00Z`;

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const STATUS_STYLES: Readonly<Record<KeyEntry["status"], Style>> = { active: "green", revoked: "dim", expired: "yellow" };
const NOTHING = "none";

/** `tutti keys …` */
export function defineKeys(command: Command, shell: Shell): void {
  command
    .command("list", { isDefault: true })
    .description("list the keys and what they are for")
    .addHelpText("after", "\nExamples:\n  tutti keys\n  tutti keys list --json")
    .action(() => list(shell));
  command
    .command("show <id>")
    .description("show a key's models and limits")
    .addHelpText("after", "\nExamples:\n  tutti keys show k3v9x0q1m2n4")
    .action((id: string) => show(shell, id));
  withSettings(command.command("create <name>").description("make a key; its secret is shown this once"))
    .option("--tenant <name>", "whose files, batches and responses it shares; else its team's, or its own")
    .addHelpText("after", EXAMPLES)
    .action((name: string, options: CreateOptions) => create(shell, name, options));
  withSettings(command.command("update <id>").description(`change a key; what is left out stays, "${NOTHING}" takes it away`))
    .option("--name <name>", "another name")
    .addHelpText(
      "after",
      '\nExamples:\n  tutti keys update k3v9x0q1m2n4 --budget "50/month"\n  tutti keys update k3v9x0q1m2n4 --models none',
    )
    .action((id: string, options: UpdateOptions) => update(shell, id, options));
  command
    .command("rotate <id>")
    .description("give a key another secret; the old one stays good for a while")
    .option("--grace <duration>", "how long the old one stays good: 0s, 30m, 12h, 7d", readDuration, UNIT_MS["d"])
    .addHelpText("after", "\nExamples:\n  tutti keys rotate k3v9x0q1m2n4 --grace 1h")
    .action((id: string, { grace }: { readonly grace: number }) => rotate(shell, id, grace));
  command
    .command("revoke <id>")
    .description("end a key for good, at once")
    .addHelpText("after", "\nExamples:\n  tutti keys revoke k3v9x0q1m2n4")
    .action((id: string) => revoke(shell, id));
}

/** The options that are a key's settings; a number that was taken away is `null`. */
interface SettingOptions {
  readonly user?: string;
  readonly team?: string;
  readonly models?: string;
  readonly tags?: string;
  readonly expiresAt?: string;
  readonly requestsPerMinute?: number | null;
  readonly tokensPerMinute?: number | null;
  readonly parallel?: number | null;
  readonly budget?: readonly string[];
}

interface CreateOptions extends SettingOptions {
  readonly tenant?: string;
}

interface UpdateOptions extends SettingOptions {
  readonly name?: string;
}

function withSettings(command: Command): Command {
  return command
    .option("--user <name>", "the user it belongs to, whose limits apply too")
    .option("--team <name>", "the team it belongs to, whose limits apply too")
    .option("--models <patterns>", 'the models it may use, with commas between: "gpt-*,llama3.2"; all unless given')
    .option("--requests-per-minute <count>", "at most so many requests a minute", readCount)
    .option("--tokens-per-minute <count>", "at most so many tokens a minute", readCount)
    .option("--parallel <count>", "at most so many requests at the same time", readCount)
    .option("--budget <budget>", 'dollars or tokens a day, week, month or total: "5/day", "1000000 tokens/month"; may be repeated', collect)
    .option("--tags <tags>", "words to find it by, with commas between")
    .option("--expires-at <moment>", "when it ends, such as 2027-01-01T00:00:00Z");
}

async function list(shell: Shell): Promise<void> {
  await using connection = await connect(shell);
  const keys = await connection.client.keys(shell.signal);
  shell.printJson({ keys });
  if (keys.length === 0) return shell.print("No keys. Make one: tutti keys create NAME --budget 5/day");
  const nowMs = Date.now();
  const rows = keys.map((key) => [
    { text: key.id },
    { text: key.name },
    { text: key.status, style: STATUS_STYLES[key.status] },
    { text: [key.user, key.team].filter((owner) => owner !== undefined).join(" / ") || "-" },
    { text: ago(key.createdAt, nowMs) },
    { text: key.models?.join(", ") ?? "all" },
    { text: limitsText(key.limits) },
  ]);
  shell.print(...table(["ID", "NAME", "STATUS", "USER / TEAM", "CREATED", "MODELS", "LIMITS"], rows, shell.out));
}

async function show(shell: Shell, id: string): Promise<void> {
  await using connection = await connect(shell);
  const key = await connection.client.key(id, shell.signal);
  shell.printJson({ key });
  printKey(shell, key);
}

async function create(shell: Shell, name: string, { tenant, ...options }: CreateOptions): Promise<void> {
  const changes = changesOf(options);
  const settings = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== null));
  const request: KeyRequest = { ...settings, name, ...(tenant !== undefined && { tenant }) };
  await using connection = await connect(shell);
  const made = await connection.client.createKey(request, shell.signal);
  shell.printJson(made);
  printSecret(shell, made.secret);
  printKey(shell, made.key);
}

async function update(shell: Shell, id: string, { name, ...options }: UpdateOptions): Promise<void> {
  await using connection = await connect(shell);
  const { limits } = await connection.client.key(id, shell.signal);
  const key = await connection.client.updateKey(id, { ...changesOf(options, limits), ...(name !== undefined && { name }) }, shell.signal);
  shell.printJson({ key });
  printKey(shell, key);
}

async function rotate(shell: Shell, id: string, graceMs: number): Promise<void> {
  await using connection = await connect(shell);
  const made = await connection.client.rotateKey(id, graceMs, shell.signal);
  shell.printJson(made);
  printSecret(shell, made.secret);
  const until = new Date(Date.now() + graceMs).toISOString();
  shell.print(graceMs === 0 ? "The old secret is good no more." : `The old secret is good until ${until}.`);
}

async function revoke(shell: Shell, id: string): Promise<void> {
  await using connection = await connect(shell);
  const key = await connection.client.revokeKey(id, shell.signal);
  shell.printJson({ key });
  shell.printLine(piece("revoked  ", "red"), piece(printable(`${key.name} (${key.id})`)));
}

function printSecret(shell: Shell, secret: string): void {
  shell.printLine(piece("secret    ", "dim"), piece(secret, "green"));
  shell.print("          Keep it now: it is not shown again.");
}

function printKey(shell: Shell, key: KeyEntry): void {
  const facts: readonly (readonly [string, string | undefined])[] = [
    ["key", key.id],
    ["name", key.name],
    ["status", key.revokedAt === undefined ? key.status : `revoked at ${key.revokedAt}`],
    ["tenant", key.tenant],
    ["user", key.user],
    ["team", key.team],
    ["models", key.models?.join(", ") ?? "all"],
    ["limits", limitsText(key.limits)],
    ["tags", key.tags?.join(", ")],
    ["created", key.createdAt],
    ["rotated", key.rotatedAt],
    ["expires", key.expiresAt],
  ];
  for (const [what, text] of facts) if (text !== undefined) shell.printLine(piece(what.padEnd(10), "dim"), piece(printable(text)));
  for (const budget of key.budgets ?? []) shell.printLine(piece("left".padEnd(10), "dim"), piece(printable(leftText(budget))));
}

/** "3.20 of 5.00 dollars this day (key:…), until 2026-11-22T00:00:00.000Z". */
function leftText({ of, per, usd, tokens, endsAt }: BudgetLeft): string {
  const left = (limit: number, spent: number): number => Math.max(0, limit - spent);
  const parts = [
    ...(usd === undefined ? [] : [`${left(usd.limit, usd.spent).toFixed(2)} of ${usd.limit.toFixed(2)} dollars`]),
    ...(tokens === undefined ? [] : [`${left(tokens.limit, tokens.spent)} of ${tokens.limit} tokens`]),
  ];
  const window = per === "total" ? "in all" : `this ${per}`;
  return `${parts.join(", ")} ${window} (${of})${endsAt === undefined ? "" : `, until ${endsAt}`}`;
}

/** Settings as changes; limits go as a whole, so that those which are not named stay. */
function changesOf({ requestsPerMinute, tokensPerMinute, parallel, budget, ...options }: SettingOptions, now: Limits = {}): KeyChanges {
  const budgets = budget?.includes(NOTHING) === true ? null : budget?.map(readBudget);
  const changed: Readonly<Record<keyof Limits, unknown>> = { requestsPerMinute, tokensPerMinute, parallel, budgets };
  const named = Object.entries(changed).filter(([, value]) => value !== undefined);
  const limits = Object.fromEntries(
    Object.entries({ ...now, ...Object.fromEntries(named) }).filter(([, value]) => value !== null),
  ) as Limits;
  return {
    ...(options.user !== undefined && { user: unless(options.user) }),
    ...(options.team !== undefined && { team: unless(options.team) }),
    ...(options.models !== undefined && {
      models:
        unless(options.models)
          ?.split(",")
          .map((part) => part.trim()) ?? null,
    }),
    ...(options.tags !== undefined && {
      tags:
        unless(options.tags)
          ?.split(",")
          .map((part) => part.trim()) ?? null,
    }),
    ...(options.expiresAt !== undefined && { expiresAt: unless(options.expiresAt) }),
    ...(named.length > 0 && { limits }),
  };
}

function unless(text: string): string | null {
  return text === NOTHING ? null : text;
}

function limitsText({ requestsPerMinute, tokensPerMinute, parallel, budgets = [] }: Limits): string {
  const parts = [
    ...budgets.flatMap(({ amountUsd, tokens, per }) => [
      ...(amountUsd === undefined ? [] : [`$${amountUsd}/${per}`]),
      ...(tokens === undefined ? [] : [`${tokens} tokens/${per}`]),
    ]),
    ...(requestsPerMinute === undefined ? [] : [`${requestsPerMinute} requests/min`]),
    ...(tokensPerMinute === undefined ? [] : [`${tokensPerMinute} tokens/min`]),
    ...(parallel === undefined ? [] : [`${parallel} at a time`]),
  ];
  return parts.length === 0 ? "none" : parts.join(", ");
}

function readBudget(text: string): NonNullable<Limits["budgets"]>[number] {
  const found = /^\$?(\d+(?:\.\d+)?)( tokens)?\/(day|week|month|total)$/.exec(text.trim());
  if (found === null) throw new UsageError(`wanted --budget such as "5/day", "0.50/week" or "1000000 tokens/month", got "${text}"`);
  const [, amount, unit, per] = found;
  const period = per as "day" | "week" | "month" | "total";
  return unit === undefined ? { amountUsd: Number(amount), per: period } : { tokens: Number(amount), per: period };
}

function readCount(text: string): number | null {
  if (text === NOTHING) return null;
  const count = Number(text.replaceAll("_", ""));
  if (!Number.isInteger(count) || count < 1) throw new InvalidArgumentError(`Wanted a whole number of at least 1, or "${NOTHING}".`);
  return count;
}

function readDuration(text: string): number {
  const found = /^(\d{1,6})(s|m|h|d)$/.exec(text);
  if (found === null) throw new InvalidArgumentError("Wanted a duration such as 0s, 30m, 12h or 7d.");
  return Number(found[1]) * (UNIT_MS[found[2] ?? ""] ?? 1);
}

function collect(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

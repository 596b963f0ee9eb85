import type { EventQuery, PlacedEvent, SubscriptionEntry, SubscriptionRequest, SubscriptionTarget } from "@tutti/client";
import type { Json } from "@tutti/core";
import { patternFilter, type EventFilter } from "@tutti/core/wire";
import { InvalidArgumentError, type Command } from "commander";
import { connect, type Connection } from "../connect.ts";
import { readJsonArgument, safeJson, UsageError, type Shell } from "../shell.ts";
import { table, type Cell } from "../table.ts";
import { piece } from "../terminal.ts";
import { printable } from "../terminal-text.ts";
import { ago } from "../time.ts";

const PATTERN = 'one star stands for anything: "order.*"; commas separate alternatives';
const FROM = "now, beginning, a position (what is after it), or a time (what came since)";
const DATA_SHOWN_CHARACTERS = 200;

/** `tutti events …` */
export function defineEvents(command: Command, shell: Shell): void {
  defineTail(command, shell);
  definePublish(command, shell);
  defineSubscribe(command, shell);
  command
    .command("subscriptions")
    .description("list the subscriptions, and how far they have come")
    .addHelpText("after", "\nExamples:\n  tutti events subscriptions\n  tutti events subscriptions --json")
    .action(() => list(shell));
  defineSteering(command, shell);
}

function defineTail(command: Command, shell: Shell): void {
  command
    .command("tail")
    .description("follow published events as they come")
    .option("--type <pattern>", `only these types; ${PATTERN}`)
    .option("--source <pattern>", "only from these sources")
    .option("--subject <pattern>", "only about these subjects")
    .option("--filter <json>", "only what passes a filter in a dialect of the CloudEvents Subscriptions API: JSON, @file or -")
    .option("--from <place>", `begin with ${FROM}`, readPlace, "now")
    .option("--count <count>", "end after so many", readCount)
    .addHelpText(
      "after",
      `\nExamples:\n  tutti events tail --type 'order.*'\n  tutti events tail --from beginning --count 10 --json\n  tutti events tail --filter '{"not": {"prefix": {"type": "tutti."}}}'`,
    )
    .action((options: TailOptions) => tail(shell, options));
}

function definePublish(command: Command, shell: Shell): void {
  command
    .command("publish <type>")
    .description("publish an event; the same source and id again change nothing")
    .option("--data <json>", "the data: JSON, @file, or - for stdin")
    .option("--source <uri>", "where it comes from", "/cli")
    .option("--subject <text>", "what it is about")
    .option("--key <text>", "events of one key are delivered in order")
    .option("--id <text>", "its id; a new one unless given")
    .addHelpText(
      "after",
      `\nExamples:\n  tutti events publish order.paid --data '{"total": 12}' --key 4711\n  tutti events publish order.paid --id 4711-paid --data @order.json`,
    )
    .action((type: string, options: PublishOptions) => publish(shell, type, options));
}

function defineSubscribe(command: Command, shell: Shell): void {
  command
    .command("subscribe <name>")
    .description("start a workflow, tell an agent or send a webhook for each event, from now on and across restarts")
    .option("--type <pattern>", `only these types; ${PATTERN}`)
    .option("--source <pattern>", "only from these sources")
    .option("--subject <pattern>", "only about these subjects")
    .option("--filter <json>", "only what passes a filter: JSON, @file or -")
    .option("--where <expression>", "only what this CEL expression is true for: input.data.total > 100")
    .option("--workflow <name>", "start this workflow with the event")
    .option("--data-only", "start it with the event's data alone")
    .option("--agent <name>", "tell this agent of the event")
    .option("--message <text>", "what the agent is told before the event")
    .option("--url <url>", "send it to this https URL")
    .option("--endpoint <name>", "send it to this endpoint of the configuration")
    .option("--pull", "let a client fetch and acknowledge")
    .option("--order-by <attribute>", "deliver events with the same value in order; key is partitionkey or subject; none")
    .option("--concurrency <count>", "deliveries at once", readCount)
    .option("--on-failure <what>", "after a dead letter its key goes on (continue) or waits for somebody (stop)")
    .option("--from <place>", `begin with ${FROM}`, readPlace, "now")
    .addHelpText(
      "after",
      "\nExamples:\n  tutti events subscribe orders --type 'order.*' --workflow fulfil\n  tutti events subscribe large --type order.paid --where 'input.data.total > 100' --agent holly\n  tutti events subscribe crm --type 'customer.*' --url https://crm.example.com/hook",
    )
    .action((name: string, options: SubscribeOptions) => subscribe(shell, name, options));
}

function defineSteering(command: Command, shell: Shell): void {
  command
    .command("pause <subscription>")
    .description("deliver nothing until it is resumed")
    .option("--reason <text>", "why, for the log", "paused on the command line")
    .addHelpText("after", "\nExamples:\n  tutti events pause orders\n  tutti events pause orders --reason 'the shop moves'")
    .action((name: string, { reason }: { readonly reason: string }) =>
      steer(shell, (client) => client.pauseSubscription(name, reason, shell.signal)),
    );
  command
    .command("resume <subscription>")
    .description("go on from where it was")
    .addHelpText("after", "\nExamples:\n  tutti events resume orders\n  tutti events resume orders --json")
    .action((name: string) => steer(shell, (client) => client.resumeSubscription(name, shell.signal)));
  command
    .command("rewind <subscription> <place>")
    .description(`deliver again, or skip; the place is ${FROM}`)
    .addHelpText("after", "\nExamples:\n  tutti events rewind orders beginning\n  tutti events rewind orders 2026-01-31T08:00:00Z")
    .action((name: string, place: string) => steer(shell, (client) => client.rewindSubscription(name, readPlace(place), shell.signal)));
  command
    .command("delete <subscription>")
    .description("delete a subscription; runs it started go on")
    .addHelpText("after", "\nExamples:\n  tutti events delete orders\n  tutti events delete orders --json")
    .action((name: string) => remove(shell, name));
}

interface MatchOptions {
  readonly type?: string;
  readonly source?: string;
  readonly subject?: string;
  readonly filter?: string;
}

interface TailOptions extends MatchOptions {
  readonly from: string | number;
  readonly count?: number;
}

interface PublishOptions {
  readonly data?: string;
  readonly source: string;
  readonly subject?: string;
  readonly key?: string;
  readonly id?: string;
}

interface SubscribeOptions extends MatchOptions {
  readonly where?: string;
  readonly workflow?: string;
  readonly dataOnly?: boolean;
  readonly agent?: string;
  readonly message?: string;
  readonly url?: string;
  readonly endpoint?: string;
  readonly pull?: boolean;
  readonly orderBy?: string;
  readonly concurrency?: number;
  readonly onFailure?: "continue" | "stop";
  readonly from: string | number;
}

async function tail(shell: Shell, { filter, from, count, ...patterns }: TailOptions): Promise<void> {
  const query: EventQuery = { ...patterns, from, ...(filter !== undefined && { filter: await readFilter(filter) }) };
  await using connection = await connect(shell);
  if (!connection.isServer) shell.note("Tutti does not run here: what others publish comes once `tutti up` does.");
  let left = count ?? Number.POSITIVE_INFINITY;
  for await (const placed of connection.client.followEvents(query, shell.signal)) {
    printEvent(shell, placed);
    left -= 1;
    if (left === 0) return;
  }
}

function printEvent(shell: Shell, placed: PlacedEvent): void {
  shell.printJsonLine(placed);
  const { type, source, subject, partitionkey, time, data } = placed.event;
  const about = [subject, partitionkey].flatMap((text) => (typeof text === "string" ? [text] : [])).join(" ");
  shell.printLine(
    piece(`${(time ?? "").slice(11, 23).padEnd(12)}  `, "dim"),
    piece(printable(type), "cyan"),
    piece(about === "" ? "" : `  ${printable(about)}`),
    piece(`  ${printable(source)}  `, "dim"),
    piece(data === undefined ? "" : printable(safeJson(data).slice(0, DATA_SHOWN_CHARACTERS))),
  );
}

async function publish(shell: Shell, type: string, { data, ...rest }: PublishOptions): Promise<void> {
  const value = data === undefined ? undefined : ((await readJsonArgument(data, "--data")) as Json);
  await using connection = await connect(shell);
  const published = await connection.client.publishEvent({ type, ...rest, ...(value !== undefined && { data: value }) }, shell.signal);
  shell.printJson(published);
  shell.printLine(
    piece(`event ${printable(published.id)} `),
    piece(published.isDuplicate ? "was published before" : "published", published.isDuplicate ? "dim" : "green"),
    piece(`  run ${published.runId}`, "dim"),
  );
  if (!connection.isServer) shell.note("Subscriptions get it once `tutti up` runs.");
}

async function subscribe(shell: Shell, name: string, options: SubscribeOptions): Promise<void> {
  const { where, orderBy, concurrency, onFailure, from } = options;
  const request: SubscriptionRequest = {
    name,
    from,
    target: targetOf(options),
    filter: await filterOf(options),
    ...(where !== undefined && { where }),
    ...(orderBy !== undefined && { orderBy }),
    ...(concurrency !== undefined && { concurrency }),
    ...(onFailure !== undefined && { onFailure }),
  };
  await using connection = await connect(shell);
  const subscription = await connection.client.subscribe(request, shell.signal);
  const secret = options.url === undefined ? undefined : await connection.client.webhookSecret(options.url, shell.signal);
  shell.printJson({ subscription, ...(secret !== undefined && { secret }) });
  printOne(shell, subscription);
  if (secret !== undefined) shell.print(`The receiver verifies its webhooks (standardwebhooks.com) with ${secret}`);
  if (!connection.isServer) shell.note("It delivers once `tutti up` runs.");
}

function targetOf({ workflow, dataOnly, agent, message, url, endpoint, pull }: SubscribeOptions): SubscriptionTarget {
  const targets: readonly SubscriptionTarget[] = [
    ...(workflow === undefined ? [] : [{ type: "workflow", workflow, input: dataOnly === true ? "data" : "event" } as const]),
    ...(agent === undefined ? [] : [{ type: "agent", agent, ...(message !== undefined && { message }) } as const]),
    ...(url === undefined ? [] : [{ type: "webhook", to: { url } } as const]),
    ...(endpoint === undefined ? [] : [{ type: "webhook", to: { endpoint } } as const]),
    ...(pull === true ? [{ type: "pull" } as const] : []),
  ];
  const [target, ...others] = targets;
  if (target !== undefined && others.length === 0) return target;
  throw new UsageError(`wanted one of --workflow, --agent, --url, --endpoint and --pull, got ${target === undefined ? "none" : "several"}`);
}

async function filterOf({ type, source, subject, filter }: MatchOptions): Promise<EventFilter> {
  const patterns = Object.entries({ type, source, subject }).flatMap(([name, pattern]) =>
    pattern === undefined ? [] : [patternFilter(name, pattern)],
  );
  const all = [...patterns, ...(filter === undefined ? [] : [await readFilter(filter)])];
  const [only, ...others] = all;
  return only !== undefined && others.length === 0 ? only : { all };
}

/** The server checks it; here it only has to be JSON. */
async function readFilter(text: string): Promise<EventFilter> {
  return (await readJsonArgument(text, "--filter")) as EventFilter;
}

async function list(shell: Shell): Promise<void> {
  await using connection = await connect(shell);
  const subscriptions = await connection.client.subscriptions(shell.signal);
  shell.printJson({ subscriptions });
  if (subscriptions.length === 0) {
    shell.print("No subscriptions yet. Make one: tutti events subscribe orders --type 'order.*' --workflow NAME");
    return;
  }
  shell.print(...table(["SUBSCRIPTION", "STATUS", "POSITION", "OPEN", "MADE", "TARGET"], subscriptions.map(rowOf), shell.out));
  for (const { name, reason } of subscriptions) if (reason !== null) shell.note(`${name}: ${reason}`);
}

function rowOf(subscription: SubscriptionEntry): readonly Cell[] {
  const { name, status, position, open, createdAt, isCaughtUp } = subscription;
  return [
    { text: name },
    { text: status, style: status === "active" ? "green" : "yellow" },
    { text: isCaughtUp ? `${position} (all)` : String(position) },
    { text: String(open) },
    { text: ago(createdAt, Date.now()) },
    { text: targetText(subscription) },
  ];
}

function targetText({ target }: SubscriptionEntry): string {
  switch (target.type) {
    case "workflow":
      return `workflow ${target.workflow}`;
    case "agent":
      return `agent ${target.agent}`;
    case "webhook":
      return "url" in target.to ? target.to.url : `endpoint ${target.to.endpoint}`;
    case "pull":
      return "pulled by clients";
  }
}

async function steer(shell: Shell, act: (client: Connection["client"]) => Promise<SubscriptionEntry>): Promise<void> {
  await using connection = await connect(shell);
  const subscription = await act(connection.client);
  shell.printJson({ subscription });
  printOne(shell, subscription);
}

async function remove(shell: Shell, name: string): Promise<void> {
  await using connection = await connect(shell);
  await connection.client.deleteSubscription(name, shell.signal);
  shell.printJson({ deleted: name });
  shell.print(`subscription ${printable(name)} deleted`);
}

function printOne(shell: Shell, subscription: SubscriptionEntry): void {
  const { name, status, position } = subscription;
  shell.printLine(
    piece(`subscription ${printable(name)} `),
    piece(status, status === "active" ? "green" : "yellow"),
    piece(`  after position ${position}, to ${printable(targetText(subscription))}`, "dim"),
  );
}

function readPlace(text: string): string | number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  if (text === "now" || text === "beginning") return text;
  const atMs = Date.parse(text);
  if (Number.isNaN(atMs)) throw new InvalidArgumentError(`Wanted ${FROM}.`);
  return new Date(atMs).toISOString();
}

function readCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1) throw new InvalidArgumentError("Wanted a whole number from 1.");
  return count;
}

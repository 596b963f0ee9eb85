import type { ScheduleEntry, ScheduleRequest, ScheduleTiming } from "@tutti/client";
import type { Json } from "@tutti/core";
import { InvalidArgumentError, type Command } from "commander";
import { connect, type Connection } from "../connect.ts";
import { formatDuration, readDuration } from "../duration.ts";
import { readJsonArgument, safeJson, UsageError, type Shell } from "../shell.ts";
import { table } from "../table.ts";
import { piece, type Style } from "../terminal.ts";
import { printable } from "../terminal-text.ts";
import { ago } from "../time.ts";

const EXAMPLES = `
Examples:
  tutti schedules create nightly report --cron "30 2 * * *" --time-zone Europe/Rome --catch-up one
  tutti schedules create poll triage-inbox --every 5m --jitter 30s --overlap queue
  tutti schedules create party holly --at 2026-12-31T23:00:00Z --input '{"message": "Wish everybody a happy new year."}'
  tutti schedules create nightly report --cron "0 30 2 * * 1-5" --preview`;

const COUNT_MAX = 1_000;
const STATUS_STYLES: Readonly<Record<string, Style>> = {
  active: "green",
  paused: "yellow",
  broken: "red",
  completed: "green",
  failed: "red",
  cancelled: "dim",
  running: "cyan",
};

/** What an entry tells beside the schedule's settings. */
const OUTCOMES: ReadonlySet<string> = new Set(["runId", "status", "paused", "nextAt", "last", "active", "queued", "counts", "misses"]);

/** `tutti schedules …` */
export function defineSchedules(command: Command, shell: Shell): void {
  command
    .command("list", { isDefault: true })
    .description("list the schedules: when each is due next, and how its last tick went")
    .addHelpText("after", "\nExamples:\n  tutti schedules list\n  tutti schedules list --json")
    .action(() => list(shell));
  command
    .command("show <name>")
    .description("show a schedule's settings, its next ticks, and what was missed")
    .addHelpText("after", "\nExamples:\n  tutti schedules show nightly\n  tutti schedules show nightly --json")
    .action((name: string) => show(shell, name));
  withSettings(command.command("create <name> <workflow>").description("start a workflow or an agent at given times"))
    .option("--preview", "show when it would be due, and make nothing")
    .addHelpText("after", EXAMPLES)
    .action((name: string, workflow: string, options: CreateOptions) => create(shell, { name, workflow }, options));
  withSettings(command.command("update <name>").description("give a schedule other settings from now on; what is left out stays"))
    .option("--workflow <name>", "another workflow or agent")
    .addHelpText("after", '\nExamples:\n  tutti schedules update nightly --cron "0 4 * * *"\n  tutti schedules update poll --overlap skip')
    .action((name: string, options: UpdateOptions) => update(shell, name, options));
  command
    .command("next <name>")
    .description("show when a schedule is due next")
    .option("--count <count>", `how many ticks, 1 to ${COUNT_MAX}`, readCount, 10)
    .addHelpText("after", "\nExamples:\n  tutti schedules next nightly --count 30")
    .action((name: string, { count }: { readonly count: number }) => next(shell, name, count));
  defineActs(command, shell);
}

function defineActs(command: Command, shell: Shell): void {
  command
    .command("pause <name>")
    .description("start no more ticks until it is resumed; they are not made up for")
    .option("--reason <text>", "why, for the log", "paused on the command line")
    .addHelpText("after", '\nExamples:\n  tutti schedules pause nightly --reason "the warehouse is closed"')
    .action((name: string, { reason }: { readonly reason: string }) => pause(shell, name, reason));
  command
    .command("resume <name>")
    .description("go on after a pause")
    .addHelpText("after", "\nExamples:\n  tutti schedules resume nightly")
    .action((name: string) => resume(shell, name));
  command
    .command("trigger <name>")
    .description("start a tick now, under the schedule's rule for overlaps")
    .addHelpText("after", "\nExamples:\n  tutti schedules trigger nightly")
    .action((name: string) => trigger(shell, name));
  command
    .command("delete <name>")
    .description("end a schedule; the runs it has started go on")
    .option("--reason <text>", "why, for the log", "deleted on the command line")
    .addHelpText("after", "\nExamples:\n  tutti schedules delete nightly")
    .action((name: string, { reason }: { readonly reason: string }) => remove(shell, name, reason));
}

/** The options that are a schedule's settings. */
interface SettingOptions {
  readonly cron?: string;
  readonly timeZone?: string;
  readonly every?: number;
  readonly from?: string;
  readonly at?: string;
  readonly input?: string;
  readonly tickField?: string;
  readonly startAt?: string;
  readonly endAt?: string;
  readonly jitter?: number;
  readonly lateMax?: number;
  readonly catchUp?: NonNullable<ScheduleRequest["catchUp"]>;
  readonly catchUpMax?: number;
  readonly overlap?: NonNullable<ScheduleRequest["overlap"]>;
  readonly queueMax?: number;
  readonly supervise?: string;
}

interface CreateOptions extends SettingOptions {
  readonly preview?: boolean;
}

interface UpdateOptions extends SettingOptions {
  readonly workflow?: string;
}

function withSettings(command: Command): Command {
  return command
    .option("--cron <expression>", "five fields, or six with seconds first")
    .option("--time-zone <zone>", "the zone of --cron, such as Europe/Rome; UTC unless given")
    .option("--every <duration>", "an interval: 500ms, 30s, 5m, 2h, 1d", readDuration)
    .option("--from <moment>", "when the intervals begin; now unless given")
    .option("--at <moment>", "once, such as 2026-12-24T18:00:00Z")
    .option("--input <json>", "the workflow's input: JSON, @file, or - for stdin")
    .option("--tick-field <name>", "put the tick's time in this field of the input")
    .option("--start-at <moment>", "no tick before")
    .option("--end-at <moment>", "no tick after")
    .option("--jitter <duration>", "start each tick up to so much later", readDuration)
    .option("--late-max <duration>", "a tick that is later was missed; 1m unless given", readDuration)
    .option("--catch-up <policy>", "missed ticks are: skip, one, all")
    .option("--catch-up-max <count>", "at most so many at once; 100 unless given", readCount)
    .option("--overlap <policy>", "a tick that meets the run before it: skip, queue, cancel, allow")
    .option("--queue-max <count>", "at most so many wait; 10 unless given", readCount)
    .option("--supervise <json>", 'restart failed runs: {} or {"restart": "on-failure", "backoff": …, "crashLoop": …}');
}

async function list(shell: Shell): Promise<void> {
  await using connection = await connect(shell);
  const schedules = await connection.client.schedules(shell.signal);
  shell.printJson({ schedules });
  if (schedules.length === 0) return shell.print('No schedules. Make one: tutti schedules create nightly WORKFLOW --cron "30 2 * * *"');
  const nowMs = Date.now();
  const rows = schedules.map((schedule) => [
    { text: schedule.name },
    { text: schedule.status, style: STATUS_STYLES[schedule.status] ?? "plain" },
    { text: schedule.nextAt === null ? "never" : inTime(schedule.nextAt, nowMs) },
    { text: schedule.last === null ? "-" : `${schedule.last.status}, ${ago(schedule.last.at, nowMs)}`, style: lastStyle(schedule) },
    { text: String(schedule.counts.missed) },
    { text: whenOf(schedule.when) },
    { text: schedule.workflow },
  ]);
  shell.print(...table(["SCHEDULE", "STATUS", "NEXT", "LAST", "MISSED", "WHEN", "WORKFLOW"], rows, shell.out));
}

async function show(shell: Shell, name: string): Promise<void> {
  await using connection = await connect(shell);
  const schedule = await connection.client.schedule(name, shell.signal);
  const ticks = schedule.status === "active" ? await connection.client.nextTicks(name, 5, shell.signal) : [];
  shell.printJson({ schedule, next: ticks });
  const { counts, last, paused } = schedule;
  const facts: readonly (readonly [string, string])[] = [
    ["schedule", schedule.name],
    ["status", paused === null ? schedule.status : `paused since ${paused.since}: ${paused.reason}`],
    ["workflow", `${schedule.workflow} ${safeJson(schedule.input ?? null)}`],
    ["when", whenOf(schedule.when)],
    ["policy", `catch up: ${schedule.catchUp ?? "skip"}, overlap: ${schedule.overlap ?? "skip"}${jitterOf(schedule)}`],
    ["ticks", `${counts.started} started, ${counts.completed} completed, ${counts.failed} failed, ${counts.missed} missed`],
    ...(last === null ? [] : [["last", `${last.at} ${last.status}${reasonOf(last)}, run ${last.runId}`] as const]),
    ...schedule.active.map(({ at, runId }) => ["active", `${at}, run ${runId}`] as const),
    ...(schedule.queued === 0 ? [] : [["queued", String(schedule.queued)] as const]),
    ...schedule.misses.map(({ at, reason }) => ["missed", `${at} ${reason}`] as const),
    ...ticks.map((tick) => ["next", tick] as const),
    ["run", schedule.runId],
  ];
  for (const [what, text] of facts) shell.printLine(piece(what.padEnd(10), "dim"), piece(printable(text)));
}

async function create(
  shell: Shell,
  target: Pick<ScheduleRequest, "name" | "workflow">,
  { preview = false, ...options }: CreateOptions,
): Promise<void> {
  const when = timingOf(options);
  if (when === undefined) throw new UsageError("wanted one of --cron, --every and --at, got none");
  const request = { ...target, when, ...(await settingsOf(options)) };
  await using connection = await connect(shell);
  if (preview) return printTicks(shell, await connection.client.previewSchedule(request, 10, shell.signal));
  const schedule = await connection.client.createSchedule(request, shell.signal);
  shell.printJson({ schedule });
  shell.printLine(piece("created  ", "green"), piece(printable(`${schedule.name}, due ${schedule.nextAt ?? "never"}`)));
  noteIfIdle(shell, connection);
}

/** What people told it is kept, and done once somebody runs it. */
function noteIfIdle(shell: Shell, { isServer }: Connection): void {
  if (!isServer) shell.note("Nobody runs it now: start `tutti up`.");
}

async function update(shell: Shell, name: string, { workflow, ...options }: UpdateOptions): Promise<void> {
  const wanted = timingOf(options);
  const settings = await settingsOf(options);
  await using connection = await connect(shell);
  const now = requestOf(await connection.client.schedule(name, shell.signal));
  const when = changedTiming(now.when, wanted, options.timeZone);
  const request = { ...now, ...settings, when, ...(workflow !== undefined && { workflow }) };
  const schedule = await connection.client.updateSchedule(request, shell.signal);
  shell.printJson({ schedule });
  shell.printLine(piece("updated  ", "green"), piece(printable(`${name}, due ${schedule.nextAt ?? "never"}`)));
  noteIfIdle(shell, connection);
}

async function next(shell: Shell, name: string, count: number): Promise<void> {
  await using connection = await connect(shell);
  printTicks(shell, await connection.client.nextTicks(name, count, shell.signal));
}

function printTicks(shell: Shell, ticks: readonly string[]): void {
  shell.printJson({ next: ticks });
  const nowMs = Date.now();
  for (const tick of ticks) shell.printLine(piece(tick), piece(`  ${inTime(tick, nowMs)}`, "dim"));
}

async function pause(shell: Shell, name: string, reason: string): Promise<void> {
  await using connection = await connect(shell);
  const schedule = await connection.client.pauseSchedule(name, reason, shell.signal);
  shell.printJson({ schedule });
  shell.printLine(piece("paused  ", "yellow"), piece(printable(name)));
  noteIfIdle(shell, connection);
}

async function resume(shell: Shell, name: string): Promise<void> {
  await using connection = await connect(shell);
  const schedule = await connection.client.resumeSchedule(name, shell.signal);
  shell.printJson({ schedule });
  shell.printLine(piece("resumed  ", "green"), piece(printable(`${name}, due ${schedule.nextAt ?? "never"}`)));
  noteIfIdle(shell, connection);
}

async function trigger(shell: Shell, name: string): Promise<void> {
  await using connection = await connect(shell);
  const runId = await connection.client.triggerSchedule(name, shell.signal);
  shell.printJson({ runId });
  shell.printLine(piece("triggered  ", "cyan"), piece(`run ${runId}; follow it with \`tutti runs watch\``));
  noteIfIdle(shell, connection);
}

async function remove(shell: Shell, name: string, reason: string): Promise<void> {
  await using connection = await connect(shell);
  await connection.client.deleteSchedule(name, reason, shell.signal);
  shell.printJson({ deleted: name });
  shell.printLine(piece("deleted  ", "dim"), piece(printable(name)));
}

function timingOf({ cron, timeZone, every, from, at }: SettingOptions): ScheduleTiming | undefined {
  if ([cron, every, at].filter((option) => option !== undefined).length > 1)
    throw new UsageError("wanted one of --cron, --every and --at, got more than one");
  if (cron !== undefined) return { cron, ...(timeZone !== undefined && { timeZone }) };
  if (every !== undefined) return { everyMs: every, ...(from !== undefined && { from }) };
  return at === undefined ? undefined : { at };
}

/** Another expression keeps its zone, and another zone its expression. */
function changedTiming(now: ScheduleTiming, wanted: ScheduleTiming | undefined, timeZone: string | undefined): ScheduleTiming {
  if (wanted === undefined && timeZone !== undefined && !("cron" in now))
    throw new UsageError("wanted --time-zone for a schedule with a cron expression, got one without");
  if (!("cron" in now) || (wanted !== undefined && !("cron" in wanted))) return wanted ?? now;
  return { ...now, ...wanted, ...(timeZone !== undefined && { timeZone }) };
}

async function settingsOf(options: SettingOptions): Promise<Omit<ScheduleRequest, "name" | "workflow" | "when">> {
  const { input, supervise, tickField, startAt, endAt, jitter, lateMax, catchUp, catchUpMax, overlap, queueMax } = options;
  return {
    ...(input !== undefined && { input: (await readJsonArgument(input, "--input")) as Json }),
    ...(supervise !== undefined && { supervise: (await readJsonArgument(supervise, "--supervise")) as Json }),
    ...(tickField !== undefined && { tickField }),
    ...(startAt !== undefined && { startAt }),
    ...(endAt !== undefined && { endAt }),
    ...(jitter !== undefined && { jitterMs: jitter }),
    ...(lateMax !== undefined && { lateMaxMs: lateMax }),
    ...(catchUp !== undefined && { catchUp }),
    ...(catchUpMax !== undefined && { catchUpMax }),
    ...(overlap !== undefined && { overlap }),
    ...(queueMax !== undefined && { queueMax }),
  };
}

/** The settings of a schedule, without what became of it. */
function requestOf(schedule: ScheduleEntry): ScheduleRequest {
  const settings = Object.entries(schedule).filter(([key]) => !OUTCOMES.has(key));
  return Object.fromEntries(settings) as unknown as ScheduleRequest;
}

function whenOf(when: ScheduleTiming): string {
  if ("cron" in when) return `${when.cron} ${when.timeZone ?? "UTC"}`;
  return "at" in when ? when.at : `every ${formatDuration(when.everyMs)}`;
}

function inTime(at: string, nowMs: number): string {
  return `in ${formatDuration(Date.parse(at) - nowMs)}`;
}

function jitterOf({ jitterMs = 0 }: ScheduleEntry): string {
  return jitterMs === 0 ? "" : `, jitter: up to ${formatDuration(jitterMs)}`;
}

function lastStyle({ last }: ScheduleEntry): Style {
  return last === null ? "dim" : (STATUS_STYLES[last.status] ?? "plain");
}

function reasonOf({ error }: NonNullable<ScheduleEntry["last"]>): string {
  return error === undefined ? "" : ` (${error.code}: ${error.message})`;
}

function readCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > COUNT_MAX)
    throw new InvalidArgumentError(`Wanted a whole number from 1 to ${COUNT_MAX}.`);
  return count;
}

import type { CatalogModel, PlanRequest } from "@tutti/client";
import { InvalidArgumentError, type Command } from "commander";
import { connect } from "../connect.ts";
import { formatDuration } from "../duration.ts";
import { sign } from "../look.ts";
import { EXIT, safeJson, type Shell } from "../shell.ts";
import { table, type Cell } from "../table.ts";
import { piece, type Style } from "../terminal.ts";
import { printable } from "../terminal-text.ts";
import { bytesText, factsOf, routeFactsOf, tokensText } from "../models/model-text.ts";

const QUESTION = "Describe the sea in about fifty words.";
const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const HEALTH_STYLES: Readonly<Record<string, Style>> = { ok: "green", trial: "yellow", resting: "yellow", open: "red" };

/** `tutti models …` */
export function defineModels(command: Command, shell: Shell): void {
  command
    .command("list", { isDefault: true })
    .description("list the providers' models: abilities, context, price, health, latency")
    .option("--provider <name>", "only this provider's")
    .addHelpText("after", "\nExamples:\n  tutti models\n  tutti models list --provider ollama --json")
    .action((options: ListOptions) => list(shell, options));
  command
    .command("show <model>")
    .description("show all that is known of one model")
    .addHelpText("after", "\nExamples:\n  tutti models show ollama/qwen2.5:latest")
    .action((model: string) => show(shell, model));
  command
    .command("routes")
    .description("list the named models and what they stand for")
    .addHelpText("after", "\nExamples:\n  tutti models routes\n\nThey are the key models of tutti.yaml; docs/routing.md tells how.")
    .action(() => routes(shell));
  defineKeeping(command, shell);
  defineAsking(command, shell);
}

/** What can be done with models that a provider keeps itself. */
function defineKeeping(command: Command, shell: Shell): void {
  command
    .command("pull <model>")
    .description("download a model; a second pull goes on where the first ended")
    .addHelpText("after", "\nExamples:\n  tutti models pull ollama/qwen2.5:7b")
    .action((model: string) => pull(shell, model));
  command
    .command("load <model>")
    .description("load a model into memory, so that the next request need not wait")
    .option(
      "--keep-alive <duration>",
      "how long without a request: 90s, 30m, 12h, or forever; its provider's own unless given",
      readKeepAlive,
    )
    .addHelpText("after", "\nExamples:\n  tutti models load ollama/qwen2.5 --keep-alive 1h")
    .action((model: string, { keepAlive }: { readonly keepAlive?: number | null }) =>
      keep(shell, { model, word: "loaded", act: "load", ...(keepAlive !== undefined && { keepAliveMs: keepAlive }) }),
    );
  command
    .command("unload <model>")
    .description("take a model out of memory")
    .addHelpText("after", "\nExamples:\n  tutti models unload ollama/qwen2.5")
    .action((model: string) => keep(shell, { model, word: "unloaded", act: "unload" }));
  command
    .command("remove <model>")
    .description("delete a model from its provider's disk")
    .addHelpText("after", "\nExamples:\n  tutti models remove ollama/qwen2.5:7b")
    .action((model: string) => keep(shell, { model, word: "removed", act: "remove" }));
}

/** What asks models, or asks where a request would go. */
function defineAsking(command: Command, shell: Shell): void {
  command
    .command("test <model>")
    .description("ask one tiny question for each thing that the model may do")
    .addHelpText(
      "after",
      "\nExamples:\n  tutti models test ollama/qwen2.5\n  tutti models test smart\n\nIt ends with 1 when something failed.",
    )
    .action((model: string) => test(shell, model));
  command
    .command("bench <model>")
    .description("measure first token and tokens a second, through the gateway")
    .option("--requests <count>", "how many requests are measured", readCount, 20)
    .option("--concurrency <count>", "how many at once", readCount, 1)
    .option("--question <text>", "what is asked", QUESTION)
    .addHelpText("after", "\nExamples:\n  tutti models bench ollama/qwen2.5 --requests 50 --concurrency 4")
    .action((model: string, options: BenchOptions) => bench(shell, model, options));
  command
    .command("explain <model>")
    .description("show where a request would go, and why; nothing is asked")
    .option("--prompt-tokens <count>", "how long the prompt is", readTokens)
    .option("--output-tokens <count>", "how long the answer may be", readTokens)
    .option("--needs <abilities>", "what it needs, with commas between: tools,vision,json")
    .option("--tags <tags>", "the request's tags, with commas between")
    .option("--surface <surface>", "which door it comes to: chat/completions, embeddings …")
    .option("--conversation <key>", "what its turns have in common")
    .option("--text <text>", "the last thing that the user said, for rules")
    .addHelpText("after", "\nExamples:\n  tutti models explain smart --prompt-tokens 12000 --needs tools")
    .action((model: string, options: ExplainOptions) => explain(shell, model, options));
}

interface ListOptions {
  readonly provider?: string;
}

async function list(shell: Shell, { provider }: ListOptions): Promise<void> {
  await using connection = await connect(shell);
  const catalog = await connection.client.catalog(shell.signal);
  const models = catalog.models.filter((model) => provider === undefined || model.provider === provider);
  const providers = catalog.providers.filter(({ name }) => provider === undefined || name === provider);
  shell.printJson({ providers, models });
  for (const { name, complaint } of providers) if (complaint !== undefined) shell.note(`${name}: ${complaint}`);
  if (models.length === 0) {
    const isOther = provider !== undefined && providers.length === 0;
    const known = catalog.providers.map(({ name }) => name).join(", ");
    return shell.print(
      isOther
        ? `No provider is called ${printable(provider)}; there are: ${known || "none"}`
        : "No models. Set TUTTI_MODEL_BASE_URL, or name providers in tutti.yaml: docs/models.md tells how.",
    );
  }
  const heads = ["MODEL", "CAN", "CONTEXT", "PRICE IN/OUT", "HEALTH", "FIRST", "TOK/S", "ERRORS", "ROUTES"];
  shell.print(...table(heads, models.map(rowOf), shell.out));
}

function rowOf({ id, abilities, contextTokens, price, stats, routes: named, isLoaded }: CatalogModel): readonly Cell[] {
  const health = stats === undefined || stats.calls === 0 ? "-" : stats.status;
  return [
    { text: id, ...(isLoaded === true && { style: "bold" as const }) },
    { text: abilities?.join(" ") ?? "?" },
    { text: contextTokens === undefined ? "?" : tokensText(contextTokens) },
    { text: price === undefined ? "-" : `$${price.inputPerMillion}/${price.outputPerMillion}` },
    { text: health, style: HEALTH_STYLES[health] ?? "dim" },
    { text: stats?.firstByteMs === undefined ? "-" : formatDuration(stats.firstByteMs) },
    { text: stats?.tokensPerSecond === undefined ? "-" : stats.tokensPerSecond.toFixed(0) },
    { text: stats === undefined || stats.calls === 0 ? "-" : `${Math.round(stats.errorRate * 100)} %` },
    { text: named.join(", ") },
  ];
}

async function show(shell: Shell, id: string): Promise<void> {
  await using connection = await connect(shell);
  const route = (await connection.client.modelRoutes(shell.signal)).find(({ name }) => name === id);
  const model = route ?? (await connection.client.catalogModel(id, shell.signal));
  shell.printJson(route === undefined ? { model } : { route });
  for (const [what, text] of "provider" in model ? factsOf(model) : routeFactsOf(model))
    shell.printLine(piece(what.padEnd(14), "dim"), piece(printable(text)));
}

async function routes(shell: Shell): Promise<void> {
  await using connection = await connect(shell);
  const found = await connection.client.modelRoutes(shell.signal);
  shell.printJson({ routes: found });
  if (found.length === 0) return shell.print("No named models. Name some in tutti.yaml: docs/routing.md tells how.");
  const rows = found.map(({ name, strategy, targets, sticky, tiers = [], rules }) => [
    { text: name },
    { text: targets.length === 1 ? "alias" : strategy },
    { text: [sticky && "sticky", tiers.length > 0 && "tiers", rules.length > 0 && "rules"].filter(Boolean).join(" ") || "-" },
    { text: targets.map(({ model, weight }) => (strategy === "weight" ? `${model} (${weight})` : model)).join(", ") },
  ]);
  shell.print(...table(["NAME", "STRATEGY", "WITH", "TARGETS"], rows, shell.out));
}

async function pull(shell: Shell, model: string): Promise<void> {
  await using connection = await connect(shell);
  let last = "";
  for await (const progress of connection.client.pullModel(model, shell.signal)) {
    shell.printJsonLine(progress);
    const { status, doneBytes = 0, totalBytes } = progress;
    const share =
      totalBytes === undefined ? "" : ` ${bar(doneBytes / totalBytes, shell)} ${bytesText(doneBytes)} of ${bytesText(totalBytes)}`;
    shell.progress(`${status}${share}`);
    last = status;
  }
  shell.clearProgress();
  shell.printJsonLine({ pulled: model });
  shell.printLine(piece("pulled  ", "green"), piece(printable(`${model} (${last})`)));
}

function bar(share: number, { err }: Shell): string {
  const width = 24;
  const full = Math.round(Math.min(1, Math.max(0, share)) * width);
  const [done, left] = err.hasUnicode ? ["█", "░"] : ["#", "."];
  return `${done.repeat(full)}${left.repeat(width - full)} ${String(Math.floor(share * 100)).padStart(3)} %`;
}

interface Keeping {
  readonly model: string;
  readonly act: "load" | "unload" | "remove";
  readonly word: string;
  readonly keepAliveMs?: number | null;
}

async function keep(shell: Shell, { model, act, word, keepAliveMs }: Keeping): Promise<void> {
  await using connection = await connect(shell);
  const { client } = connection;
  shell.progress(`${act} ${model}`);
  if (act === "load") await client.loadModel(model, keepAliveMs, shell.signal);
  else await (act === "unload" ? client.unloadModel(model, shell.signal) : client.removeModel(model, shell.signal));
  shell.clearProgress();
  shell.printJson({ [word]: model });
  shell.printLine(piece(`${word}  `, "green"), piece(printable(model)));
}

async function test(shell: Shell, id: string): Promise<void> {
  const { probeModel } = await import("@tutti/client");
  await using connection = await connect(shell);
  const { client } = connection;
  // A named model is asked as it is; what it can do is what its targets can.
  const isNamed = (await client.modelRoutes(shell.signal)).some(({ name }) => name === id);
  const model = isNamed ? { id } : await client.catalogModel(id, shell.signal);
  const results = [];
  for await (const result of probeModel(client, { ...model, id: isNamed ? id : model.id }, shell.signal)) {
    results.push(result);
    shell.progress(`${result.what}: ${result.outcome}`);
  }
  shell.clearProgress();
  if (results.some(({ outcome }) => outcome === "failed")) shell.exitCode = EXIT.failed;
  shell.printJson({ model: model.id, results });
  const look = {
    passed: { name: "done", style: "green" },
    failed: { name: "failed", style: "red" },
    skipped: { name: "waits", style: "dim" },
  } as const;
  const rows = results.map(({ what, outcome, durationMs, detail }): readonly Cell[] => [
    { text: `${sign(look[outcome].name, shell.out)} ${what}`, style: look[outcome].style },
    { text: outcome === "skipped" ? "-" : formatDuration(durationMs) },
    { text: detail },
  ]);
  shell.print(...table(["TEST", "TOOK", "WHAT CAME"], rows, shell.out));
}

interface BenchOptions {
  readonly requests: number;
  readonly concurrency: number;
  readonly question: string;
}

async function bench(shell: Shell, model: string, options: BenchOptions): Promise<void> {
  const { bench: measure } = await import("../models/load-test.ts");
  await using connection = await connect(shell);
  const onDone = (count: number): void => shell.progress(`${count} of ${options.requests}`);
  const result = await measure(connection.client, { model, ...options }, { signal: shell.signal, onDone });
  shell.clearProgress();
  shell.printJson({ model, ...result });
  if (result.failures > 0) shell.exitCode = EXIT.failed;
  const { firstTokenMs, totalMs, tokensPerSecond } = result;
  const times = (name: string, { p50, p90, p99 }: typeof totalMs): readonly Cell[] =>
    [name, ...[p50, p90, p99].map((ms) => formatDuration(ms))].map((text) => ({ text }));
  const speeds = [tokensPerSecond.p50, tokensPerSecond.p90, tokensPerSecond.p99].map((value) => ({ text: value.toFixed(1) }));
  const rows = [times("first token", firstTokenMs), times("whole answer", totalMs), [{ text: "tokens/s of one" }, ...speeds]];
  shell.print(...table(["MEASURED", "P50", "P90", "P99"], rows, shell.out));
  shell.print(
    `${result.requests} requests, ${result.concurrency} at once, in ${formatDuration(result.durationMs)}: ` +
      `${result.requestsPerSecond.toFixed(2)} requests/s, ${result.tokensPerSecondInAll.toFixed(1)} tokens/s in all, ${result.failures} failed`,
  );
  if (result.error !== undefined) shell.warn(`the first failure: ${result.error}`);
}

interface ExplainOptions {
  readonly promptTokens?: number;
  readonly outputTokens?: number;
  readonly needs?: string;
  readonly tags?: string;
  readonly surface?: string;
  readonly conversation?: string;
  readonly text?: string;
}

async function explain(shell: Shell, model: string, options: ExplainOptions): Promise<void> {
  const { promptTokens, outputTokens, needs, tags, surface, conversation, text } = options;
  const request: PlanRequest = {
    model,
    ...(promptTokens !== undefined && { promptTokens }),
    ...(outputTokens !== undefined && { outputTokensMax: outputTokens }),
    ...(needs !== undefined && { needs: words(needs) }),
    ...(tags !== undefined && { tags: words(tags) }),
    ...(surface !== undefined && { surface }),
    ...(conversation !== undefined && { conversation }),
    ...(text !== undefined && { text }),
  };
  await using connection = await connect(shell);
  const plan = await connection.client.planModel(request, shell.signal);
  shell.printJson({ plan });
  shell.printLine(piece(`${printable(plan.route)}: `, "bold"), piece(printable(plan.reason)));
  const rows = [
    ...plan.candidates.map(({ id, reason }, index) => [{ text: String(index + 1) }, { text: id }, { text: reason }]),
    ...plan.leftOut.map((one) => [{ text: "-" }, { text: one.model, style: "dim" as const }, { text: `left out: ${one.reason}` }]),
  ];
  shell.print(...table(["", "MODEL", "WHY"], rows, shell.out));
  const { attemptsMax, hedgeAfterMs, pruneToTokens, resumesText } = plan;
  shell.print(
    [
      `at most ${attemptsMax} attempts`,
      hedgeAfterMs === undefined ? "" : `a second target is asked after ${Math.round(hedgeAfterMs)} ms`,
      pruneToTokens === undefined ? "" : `the prompt is shortened to ${pruneToTokens} tokens`,
      resumesText ? "a broken-off text is gone on with" : "",
    ]
      .filter((part) => part !== "")
      .join("; "),
  );
}

function words(text: string): readonly string[] {
  return text
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");
}

function readCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > 10_000) throw new InvalidArgumentError("Wanted a whole number from 1 to 10000.");
  return count;
}

function readTokens(text: string): number {
  const tokens = Number(text.replaceAll("_", ""));
  if (!Number.isInteger(tokens) || tokens < 0 || tokens > 100_000_000) throw new InvalidArgumentError("Wanted a whole number of tokens.");
  return tokens;
}

function readKeepAlive(text: string): number | null {
  if (text === "forever") return null;
  const [, count, unit = ""] = /^(\d{1,6})(s|m|h|d)$/.exec(text) ?? [];
  const ms = Number(count) * (UNIT_MS[unit] ?? Number.NaN);
  if (Number.isNaN(ms) || ms < 1_000)
    throw new InvalidArgumentError(`Wanted a duration such as 90s, 30m, 12h, or forever, got ${safeJson(text)}.`);
  return ms;
}

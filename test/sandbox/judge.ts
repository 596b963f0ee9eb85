import type { SandboxResult } from "@tutti/core/sandbox";
import type { BatteryCase } from "./battery-file.ts";

/** What the runner saw of one case, from outside. */
export interface Sight {
  readonly result: Pick<SandboxResult, "reason" | "exitCode" | "stdout" | "stderr" | "files">;
  readonly canary: string;
  readonly wallMs: number;
  readonly rssGrowthMb: number;
  readonly listenerHits: number;
  /** Of the files that must not be there, those that are. */
  readonly filesFound: readonly string[];
  /** Of the files whose content must stay and stay secret: the hash before, and now. */
  readonly hashes: ReadonlyMap<string, { readonly before: string; readonly after: string }>;
  readonly isMarkAlive: boolean;
  readonly isVictimWell: boolean;
  readonly isPolluted: boolean;
}

/** What went against a case, a line each; nothing when it is held. Pure. */
export function judge(one: BatteryCase, sight: Sight): readonly string[] {
  return [...judgeMust(one.must ?? {}, sight), ...judgeMustNot(one.mustNot ?? {}, sight), ...judgeBounds(one.mustNot ?? {}, sight)];
}

function judgeMust(must: NonNullable<BatteryCase["must"]>, { result }: Sight): readonly string[] {
  const said = result.stderr.trim().slice(-300);
  const file = must.file === undefined ? undefined : result.files[must.file.name];
  return [
    when(
      must.exitCode !== undefined && result.exitCode !== must.exitCode,
      `exit code ${result.exitCode} (${result.reason}), wanted ${must.exitCode}: ${said}`,
    ),
    when(must.exitCodeNot !== undefined && result.exitCode === must.exitCodeNot, `exit code ${result.exitCode}`),
    when(
      must.stdout !== undefined && !matches(must.stdout, result.stdout),
      `stdout is not as wanted: ${result.stdout.slice(0, 200)} ${said}`,
    ),
    when(must.stderr !== undefined && !matches(must.stderr, result.stderr), `stderr is not as wanted: ${said}`),
    when(must.timedOut === true && result.reason !== "timeout", `ended with ${result.reason}, wanted timeout: ${said}`),
    when(must.timedOut === false && result.reason === "timeout", "timed out"),
    when(
      must.file !== undefined && !Buffer.from(must.file.equals).equals(file ?? Buffer.alloc(0)),
      `the file ${must.file?.name} did not come back as wanted`,
    ),
  ].flat();
}

function judgeMustNot(mustNot: NonNullable<BatteryCase["mustNot"]>, sight: Sight): readonly string[] {
  const { result } = sight;
  const texts = [result.stdout, result.stderr, ...Object.entries(result.files).flatMap(([name, bytes]) => [name, textOf(bytes)])];
  const shows = (text: string): boolean => texts.some((one) => one.includes(text));
  const { output } = mustNot;
  const changed = [...sight.hashes].filter(([, { before, after }]) => before !== after).map(([path]) => path);
  const known = [...sight.hashes].filter(([, { before }]) => shows(before)).map(([path]) => path);
  return [
    when(mustNot.outputContainsCanary === true && shows(sight.canary), "the canary came out"),
    when(output !== undefined && texts.some((text) => matches(output, text)), `the output matches ${output}`),
    when(mustNot.listenerHit === true && sight.listenerHits > 0, `a listener was reached ${sight.listenerHits} times`),
    sight.filesFound.map((path) => `${path} appeared`),
    changed.map((path) => `${path} changed`),
    known.map((path) => `${path} was read`),
    when(mustNot.processAliveWithMark === true && sight.isMarkAlive, "a process outlived its run"),
    when(mustNot.victimDead === true && !sight.isVictimWell, "the bystander was killed or stopped"),
    when(mustNot.runnerPolluted === true && sight.isPolluted, "globals of the runner changed"),
  ].flat();
}

function judgeBounds(mustNot: NonNullable<BatteryCase["mustNot"]>, sight: Sight): readonly string[] {
  const { stdout, files } = sight.result;
  const filesBytes = Object.values(files).reduce((sum, bytes) => sum + bytes.byteLength, 0);
  const numbers = numbersOf(mustNot.numberOver?.pattern, stdout);
  return [
    over("wall ms", sight.wallMs, mustNot.wallMsOver),
    over("MB that the runner grew", sight.rssGrowthMb, mustNot.runnerRssGrowthMbOver),
    over("bytes of stdout", Buffer.byteLength(stdout), mustNot.stdoutBytesOver),
    over("bytes of files", filesBytes, mustNot.filesBytesOver),
    over("as a number", Math.max(0, ...numbers), mustNot.numberOver?.max),
    over("as last number", numbersOf(mustNot.lastNumberOver?.pattern, stdout).at(-1) ?? 0, mustNot.lastNumberOver?.max),
  ].flat();
}

const when = (isWrong: boolean, problem: string): readonly string[] => (isWrong ? [problem] : []);
const over = (what: string, value: number, max = Infinity): readonly string[] =>
  when(value > max, `${Math.round(value)} ${what}, wanted at most ${max}`);
const matches = (pattern: string, text: string): boolean => new RegExp(pattern).test(text);
const textOf = (bytes: Uint8Array | undefined): string => (bytes === undefined ? "" : Buffer.from(bytes).toString("latin1"));

function numbersOf(pattern: string | undefined, text: string): readonly number[] {
  if (pattern === undefined) return [];
  return [...text.matchAll(new RegExp(pattern, "g"))].map((match) => Number(match[1]));
}

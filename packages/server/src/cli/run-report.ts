import type { RunDetails } from "@tutti/client";
import type { ChainVerdict, Event } from "@tutti/core";
import { sign, statusStyle } from "./look.ts";
import { safeJson } from "./shell.ts";
import { line, piece, type Terminal } from "./terminal.ts";
import { printable, printableLines } from "./terminal-text.ts";
import { took } from "./time.ts";
import { waterfall } from "./waterfall/waterfall.ts";

/** A result with more lines than this is cut; --json and `tutti receipt` hold all of it. */
const RESULT_LINES_MAX = 24;
const HASH_SHOWN = 16;

/** A run on one screen: what it is, its steps over time, and what came out. Pure. */
export function runReport(details: RunDetails, events: readonly Event[], terminal: Terminal): readonly string[] {
  return [
    ...header(details, events, terminal),
    "",
    ...waterfall(events, terminal),
    ...waits(details, terminal),
    "",
    ...outcome(details, terminal),
  ];
}

/** What came out of a run: its result, its error, or that it has not ended. */
export function outcome({ run, output, error }: RunDetails, terminal: Terminal): readonly string[] {
  if (error !== undefined)
    return [line([piece(`${run.status}  `, statusStyle(run.status)), piece(printable(`${error.message} [${error.code}]`))], terminal)];
  if (run.status !== "completed")
    return [line([piece(`${run.status}  `, statusStyle(run.status)), piece("the run has not ended", "dim")], terminal)];
  const lines = printableLines(typeof output === "string" ? output : safeJson(output ?? null, 2));
  const shown = lines.slice(0, RESULT_LINES_MAX).map((text) => line([piece(text)], terminal));
  const rest = lines.length - shown.length;
  return [
    line([piece("Result", "bold")], terminal),
    ...shown,
    ...(rest > 0 ? [line([piece(`… ${rest} more lines, with --json`, "dim")], terminal)] : []),
  ];
}

/** A receipt in one line: how many events, the last hash, and whether the chain holds. */
export function receiptLine(verdict: ChainVerdict, head: string, terminal: Terminal): string {
  const hash = piece(`${verdict.events} events, head ${head.slice(0, HASH_SHOWN)}…  `, "dim");
  if (verdict.valid) return line([piece("Receipt  ", "bold"), hash, piece(`${sign("done", terminal)} verified`, "green")], terminal);
  return line(
    [
      piece("Receipt  ", "bold"),
      hash,
      piece(`${sign("failed", terminal)} broken at event ${verdict.atSeq}: ${printable(verdict.reason)}`, "red"),
    ],
    terminal,
  );
}

function header({ run }: RunDetails, events: readonly Event[], terminal: Terminal): readonly string[] {
  const lastMs = Date.parse(events.at(-1)?.at ?? run.startedAt);
  const title = [
    piece(`${printable(run.workflow)} ${printable(run.version)}  `, "bold"),
    piece(run.status, statusStyle(run.status)),
    piece(`  ${took(run.startedAt, run.endedAt, lastMs)}, ${run.events} events`, "dim"),
  ];
  const parent = run.parentId === null ? "" : `, part of run ${run.parentId}`;
  return [
    line(title, terminal),
    line([piece(`run ${run.id}`), piece(printable(`  started ${run.startedAt} by ${run.principalId}${parent}`), "dim")], terminal),
  ];
}

function waits({ waitingFor }: RunDetails, terminal: Terminal): readonly string[] {
  return waitingFor.map(({ kind, name, until }) =>
    line([piece("waiting  ", "yellow"), piece(printable(`for the ${kind} ${name}${until === null ? "" : ` until ${until}`}`))], terminal),
  );
}

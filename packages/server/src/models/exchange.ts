import { AppError, type Json } from "@tutti/core";
import { z } from "zod";

/** A recorded call to a chat completions endpoint, in the wire format: the request's JSON and the answer's exact text. */
export interface Exchange {
  readonly request: Json;
  readonly response: { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: string };
}

const exchangeSchema = z.strictObject({
  request: z.json(),
  response: z.strictObject({ status: z.int().min(100).max(599), headers: z.record(z.string(), z.string()), body: z.string() }),
});

/** The exchanges of a JSON-lines file, one a line. */
export function readExchanges(text: string): readonly Exchange[] {
  return text.split("\n").flatMap((line, index) => (line.trim() === "" ? [] : [readExchange(line, index + 1)]));
}

/** Exchanges as the text of a JSON-lines file. */
export function writeExchanges(exchanges: readonly Exchange[]): string {
  return exchanges.map((exchange) => `${JSON.stringify(exchange)}\n`).join("");
}

function readExchange(line: string, lineNumber: number): Exchange {
  const what = `line ${lineNumber} of the recorded exchanges`;
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new AppError("invalid_input", `wanted JSON in ${what}, got ${line.slice(0, 60)}`, { cause: error });
  }
  const checked = exchangeSchema.safeParse(value);
  if (checked.success) return checked.data;
  throw new AppError(
    "invalid_input",
    `wanted { request, response: { status, headers, body } } in ${what}: ${z.prettifyError(checked.error)}`,
  );
}

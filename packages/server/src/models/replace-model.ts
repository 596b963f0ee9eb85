const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const OPEN_OBJECT = 0x7b;
const OPEN_ARRAY = 0x5b;
const CLOSE_OBJECT = 0x7d;
const CLOSE_ARRAY = 0x5d;

/**
 * The same JSON bytes with another string as the top-level `model`. Parsing and writing the body again would lose what JavaScript cannot
 * hold (long numbers, duplicate keys, the client's own spacing), so only the value is cut out. The bytes are known to be valid JSON.
 */
export function replaceModel(body: Buffer, model: string): Buffer {
  const pieces: Buffer[] = [];
  let copied = 0;
  for (const [start, end] of topLevelModels(body)) {
    pieces.push(body.subarray(copied, start), Buffer.from(JSON.stringify(model)));
    copied = end;
  }
  return Buffer.concat([...pieces, body.subarray(copied)]);
}

/** The keys of the outermost object, in order, those that stand there twice too. The bytes are known to be valid JSON. */
export function* topLevelKeys(body: Buffer): Generator<string> {
  for (const { start, end, isKey } of topLevelStrings(body)) if (isKey) yield textAt(body, start, end);
}

/** Where the string values of top-level `model` keys stand. There may be several; which one counts is up to the reader. */
function* topLevelModels(body: Buffer): Generator<readonly [start: number, end: number]> {
  let key = "";
  for (const { start, end, isKey } of topLevelStrings(body)) {
    if (isKey) key = textAt(body, start, end);
    else if (key === "model") yield [start, end];
  }
}

/** A string that stands in the outermost object, as a key or as a value. */
interface TopLevelString {
  readonly start: number;
  readonly end: number;
  readonly isKey: boolean;
}

function* topLevelStrings(body: Buffer): Generator<TopLevelString> {
  let depth = 0;
  for (let index = 0; index < body.length; index += 1) {
    const byte = body[index];
    if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) depth += 1;
    else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) depth -= 1;
    if (byte !== QUOTE) continue;
    const end = stringEnd(body, index);
    if (depth === 1) yield { start: index, end, isKey: hasColon(body, end) };
    index = end - 1;
  }
}

function textAt(body: Buffer, start: number, end: number): string {
  return String(JSON.parse(body.toString("utf8", start, end)));
}

/** The place after the string that begins at `start`. */
function stringEnd(body: Buffer, start: number): number {
  for (let index = start + 1; index < body.length; index += 1) {
    if (body[index] === BACKSLASH) index += 1;
    else if (body[index] === QUOTE) return index + 1;
  }
  return body.length;
}

/** Whether a colon follows, with nothing but white space before it. */
function hasColon(body: Buffer, end: number): boolean {
  let index = end;
  while (body[index] === 0x20 || body[index] === 0x09 || body[index] === 0x0a || body[index] === 0x0d) index += 1;
  return body[index] === COLON;
}

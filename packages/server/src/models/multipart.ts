import { AppError } from "@tutti/core";

/** One part of a form (RFC 7578). `start` and `end` are where its value stands in the body. */
export interface FormPart {
  readonly name: string;
  readonly fileName: string | undefined;
  readonly mediaType: string | undefined;
  readonly start: number;
  readonly end: number;
}

/** A form as it came: its bytes, and where in them its parts are. */
export interface Form {
  readonly bytes: Buffer;
  readonly parts: readonly FormPart[];
}

/** More parts than any endpoint has fields, and longer headers than any client writes. */
const PARTS_MAX = 1_000;
const PART_HEADERS_BYTES_MAX = 8_192;

const SHOWN_CHARS_MAX = 100;

const FORM = /^multipart\/form-data\s*;/i;
const BOUNDARY = /^[^"]{1,70}$/;
const PARAMETER = /\s*;\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))\s*/y;
/** RFC 2231 has further ways to write them, which forms have no use for. */
const OTHER_SPELLING = /^(?:name|boundary)\*/;
const BLANK_LINE = Buffer.from("\r\n\r\n");
const LINE_BREAK = Buffer.from("\r\n");

/**
 * Finds the parts of a form without copying them. Node's own `Response.formData` reads forms too, but does not say where a value stands,
 * and a form whose `model` alone is another one must keep all its other bytes.
 */
export function readForm(bytes: Buffer, contentType: string | undefined): Form {
  const boundary = boundaryOf(contentType);
  const delimiter = Buffer.from(`\r\n--${boundary}`, "latin1");
  const parts: FormPart[] = [];
  let at = firstDelimiterEnd(bytes, delimiter);
  for (;;) {
    if (bytes[at] === 0x2d && bytes[at + 1] === 0x2d) return withOneModel({ bytes, parts });
    if (parts.length >= PARTS_MAX) throw broken(`at most ${PARTS_MAX} parts`, "more");
    const headersStart = lineEnd(bytes, at);
    // A part without headers begins with the blank line itself.
    const blank = bytes.indexOf(BLANK_LINE, headersStart - LINE_BREAK.length);
    if (blank < 0 || blank - headersStart > PART_HEADERS_BYTES_MAX) throw broken("the headers of a part", "none that end");
    const start = blank + BLANK_LINE.length;
    // An empty value's delimiter begins with the line break of the blank line.
    const end = delimiterAt(bytes, delimiter, start - LINE_BREAK.length);
    parts.push({ ...describe(bytes.toString("utf8", headersStart, Math.max(headersStart, blank))), start, end: Math.max(start, end) });
    at = end + delimiter.length;
  }
}

/** Readers differ in which of two they take; a key must not be held against one of them and the provider read the other. */
function withOneModel(form: Form): Form {
  if (form.parts.filter(({ name }) => name.toLowerCase() === "model").length <= 1) return form;
  throw broken('one field "model"', "several");
}

function boundaryOf(contentType: string | undefined): string {
  const boundary = FORM.test(contentType ?? "") ? parametersOf(contentType ?? "").get("boundary") : undefined;
  if (boundary !== undefined && BOUNDARY.test(boundary)) return boundary;
  const got = contentType === undefined ? "no content type" : `"${contentType.slice(0, SHOWN_CHARS_MAX)}"`;
  throw broken("multipart/form-data with a boundary", got);
}

/** The body may begin with the first delimiter, without a line break, or with a preamble that nobody reads. */
function firstDelimiterEnd(bytes: Buffer, delimiter: Buffer): number {
  const bare = delimiter.subarray(LINE_BREAK.length);
  if (bytes.subarray(0, bare.length).equals(bare) && isDelimiterEnd(bytes, bare.length)) return bare.length;
  return delimiterAt(bytes, delimiter, 0) + delimiter.length;
}

/** Where the next delimiter begins; a value may hold the boundary's text, as long as it goes on after it. */
function delimiterAt(bytes: Buffer, delimiter: Buffer, from: number): number {
  for (let at = bytes.indexOf(delimiter, from); at >= 0; at = bytes.indexOf(delimiter, at + 1)) {
    if (isDelimiterEnd(bytes, at + delimiter.length)) return at;
  }
  throw broken("a form that ends with its boundary", "one that was cut off");
}

/** After a delimiter come "--", or spaces and a line break (RFC 2046 §5.1.1). */
function isDelimiterEnd(bytes: Buffer, from: number): boolean {
  if (bytes[from] === 0x2d) return bytes[from + 1] === 0x2d;
  let at = from;
  while (bytes[at] === 0x20 || bytes[at] === 0x09) at += 1;
  return bytes[at] === 0x0d && bytes[at + 1] === 0x0a;
}

function lineEnd(bytes: Buffer, from: number): number {
  return bytes.indexOf(LINE_BREAK, from) + LINE_BREAK.length;
}

function describe(headers: string): Pick<FormPart, "name" | "fileName" | "mediaType"> {
  let name: string | undefined;
  let fileName: string | undefined;
  let mediaType: string | undefined;
  for (const line of headers.split("\r\n")) {
    const colon = line.indexOf(":");
    const header = line.slice(0, colon).trim().toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (header === "content-disposition") {
      if (name !== undefined) throw broken("one Content-Disposition for every part of the form", "a part with two");
      const parameters = parametersOf(value);
      name = unescaped(parameters.get("name"));
      fileName = unescaped(parameters.get("filename"));
    } else if (header === "content-type") mediaType = value;
  }
  if (name === undefined) throw broken("a name for every part of the form", "a part without one");
  return { name, fileName, mediaType };
}

/** Every parameter of a header in its turn: a provider must not be able to read another name or boundary than is read here. */
function parametersOf(value: string): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  const begin = value.indexOf(";");
  for (PARAMETER.lastIndex = begin; begin >= 0 && PARAMETER.lastIndex < value.length;) {
    const [, rawName, quoted, bare = ""] = PARAMETER.exec(value) ?? [];
    const name = rawName?.toLowerCase();
    if (name === undefined || OTHER_SPELLING.test(name) || parameters.has(name))
      throw broken("a form whose headers can be read in one way", `"${value.slice(0, SHOWN_CHARS_MAX)}"`);
    parameters.set(name, quoted ?? bare);
  }
  return parameters;
}

/** Clients write names as browsers do (WHATWG HTML, "multipart/form-data"): quotes and line breaks are percent-encoded; curl escapes with "\". */
function unescaped(text: string | undefined): string | undefined {
  return text
    ?.replaceAll(/\\(["\\])/g, "$1")
    .replaceAll("%22", '"')
    .replaceAll("%0D", "\r")
    .replaceAll("%0A", "\n");
}

function broken(wanted: string, got: string): AppError {
  return new AppError("invalid_input", `wanted ${wanted}, got ${got}`);
}

/** A field's text; of several of one name, the first. */
export function fieldOf({ bytes, parts }: Form, name: string): string | undefined {
  const part = parts.find((item) => item.name === name);
  return part && bytes.toString("utf8", part.start, part.end);
}

/** The bytes of a part. */
export function valueOf({ bytes }: Form, part: FormPart): Buffer {
  return bytes.subarray(part.start, part.end);
}

/** The same form with another value in a field, wherever it stands, and no other byte changed. */
export function replaceField({ bytes, parts }: Form, name: string, value: string): Buffer {
  const pieces: Buffer[] = [];
  let copied = 0;
  for (const part of parts) {
    if (part.name !== name) continue;
    pieces.push(bytes.subarray(copied, part.start), Buffer.from(value, "utf8"));
    copied = part.end;
  }
  return pieces.length === 0 ? bytes : Buffer.concat([...pieces, bytes.subarray(copied)]);
}

/** A form as bytes; Node writes it. */
export async function writeForm(form: FormData): Promise<{ readonly bytes: Buffer; readonly contentType: string }> {
  const response = new Response(form);
  return { bytes: Buffer.from(await response.arrayBuffer()), contentType: response.headers.get("content-type") ?? "" };
}

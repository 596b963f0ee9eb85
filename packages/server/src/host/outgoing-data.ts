import type { Json } from "@tutti/core";

/** Tools that carry their input to a place that the input names, whatever it is. */
const SENDERS: ReadonlySet<string> = new Set(["http_request"]);
/** Tools that ask somebody outside what their input says. */
const ASKERS: ReadonlySet<string> = new Set(["http_get", "web_fetch", "web_search"]);
/** Where requests carry data beside their URL. */
const CARGO: ReadonlySet<string> = new Set(["query", "headers", "params", "body", "data", "form", "json", "payload", "cookies"]);
/** A longer path or host name has room for data. Links that people write are mostly shorter. */
const PATH_CHARACTERS_MAX = 60;
const SEGMENTS_MAX = 6;
const HOST_CHARACTERS_MAX = 48;
const LABELS_MAX = 5;
const LABEL_CHARACTERS_MAX = 24;
/** Letters and digits without a break: words are shorter, and what is encoded is longer. */
const BLOCK = /[A-Za-z0-9+=%]{21}/;
/** What a question to somebody outside may say in all, beside URLs. */
const QUESTION_CHARACTERS_MAX = 80;
/** Values looked at in one input; an input with more counts as sending data out. */
const VALUES_MAX = 10_000;
/** Characters looked at in one text. */
const TEXT_CHARACTERS_MAX = 200_000;

/** A call as it is looked at. */
interface Outgoing {
  readonly tool: string;
  readonly source: string;
  readonly input: Json | undefined;
}

/** How a call would carry data out, in words after the tool's name; `undefined` when it only reads, as far as can be told. Pure. */
export function cargoIn({ tool, source, input }: Outgoing, urls: readonly URL[] | undefined): string | undefined {
  if (SENDERS.has(tool)) return "sends its input out";
  const values = valuesIn(input);
  if (urls === undefined || values === undefined) return "would send data out (too much to look at)";
  const isAsker = ASKERS.has(tool) || /^(?:mcp|openapi):/.test(source);
  if ((urls.length > 0 || tool === "http_get") && values.hasCargo) return "would send data out beside a URL";
  const sending = urls.find(carriesData)?.hostname;
  if (sending !== undefined) return `would send data out in a URL (${sending})`;
  return isAsker && saysMuch(values.texts) ? "would send text out" : undefined;
}

/** The URLs in an input's texts; `undefined` when there is more than is looked at. Pure. */
export function urlsIn(input: Json | undefined): readonly URL[] | undefined {
  const values = valuesIn(input);
  if (values === undefined || values.texts.some((text) => text.length > TEXT_CHARACTERS_MAX && text.includes("://"))) return undefined;
  return values.texts.flatMap(urlsOf);
}

interface Values {
  readonly texts: readonly string[];
  /** Whether there are fields in which requests carry data beside their URL, and something in them. */
  readonly hasCargo: boolean;
}

function valuesIn(input: Json | undefined): Values | undefined {
  const texts: string[] = [];
  let hasCargo = false;
  const open: Json[] = input === undefined ? [] : [input];
  let seen = 0;
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    seen += 1;
    if (seen > VALUES_MAX) return undefined;
    if (typeof value === "string" || typeof value === "number") texts.push(String(value));
    else if (Array.isArray(value)) open.push(...(value as readonly Json[]).slice(0, VALUES_MAX + 1));
    else if (typeof value === "object" && value !== null)
      for (const [key, item] of Object.entries(value)) {
        hasCargo ||= CARGO.has(key.toLowerCase()) && isSomething(item);
        open.push(item);
      }
  }
  return { texts, hasCargo };
}

function isSomething(value: Json): boolean {
  return value !== null && value !== "" && (typeof value !== "object" || Object.keys(value).length > 0);
}

/** A text that is a URL is read as whoever opens it reads it; in other texts a URL goes to the next space, whatever stands in it. */
function urlsOf(text: string): readonly URL[] {
  const whole = URL.parse(text);
  if (whole !== null && whole.host !== "") return [whole];
  // Without a scheme, as browsers take it.
  const bare = /^\s*(?:\/\/)?[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+(?::\d+)?[?#/]\S*\s*$/u.test(text)
    ? URL.parse(`https://${text.trim().replace(/^\/\//, "")}`)
    : null;
  const inside = (text.match(/[a-z][a-z0-9+.-]{0,30}:\/\/\S+/gi) ?? []).flatMap((candidate) => URL.parse(candidate) ?? []);
  return bare === null ? inside : [bare, ...inside];
}

/** Whether a URL has room for data that is not public already. */
function carriesData({ search, hash, username, password, pathname, hostname }: URL): boolean {
  if (search !== "" || hash.length > LABEL_CHARACTERS_MAX || username !== "" || password !== "") return true;
  const segments = pathname.split("/").filter((segment) => segment !== "");
  const labels = hostname.split(".");
  return (
    pathname.length > PATH_CHARACTERS_MAX ||
    segments.length > SEGMENTS_MAX ||
    BLOCK.test(pathname) ||
    hostname.length > HOST_CHARACTERS_MAX ||
    labels.length > LABELS_MAX ||
    labels.some((label) => label.length > LABEL_CHARACTERS_MAX)
  );
}

/** Whether texts beside URLs hold more than a question needs. */
function saysMuch(texts: readonly string[]): boolean {
  const plain = texts.filter((text) => urlsOf(text).length === 0);
  return plain.reduce((sum, text) => sum + text.length, 0) > QUESTION_CHARACTERS_MAX || plain.some((text) => BLOCK.test(text));
}

/** A mail as the triage reads it. */
export type Mail = {
  readonly from: string;
  readonly subject: string;
  readonly sentAt: string;
  readonly body: string;
};

const BODY_CHARACTERS_MAX = 100_000;
/** Parts inside parts inside parts: nobody writes mails that are nested deeper. */
const PARTS_DEPTH_MAX = 8;

/** Reads a mail (RFC 5322) with what mails of today use: encoded words (RFC 2047), quoted-printable, base64, charsets and parts (MIME). */
export function parseMail(bytes: Uint8Array): Mail {
  // Latin-1 keeps every byte as one character, so that bodies can be decoded by what their own headers say.
  const { headers, body } = splitHeaders(Buffer.from(bytes).toString("latin1"));
  const header = (name: string): string => decodeWords(headers.get(name) ?? "").trim();
  const sentMs = Date.parse(header("date"));
  return {
    from: header("from") || "unknown sender",
    subject: header("subject") || "(no subject)",
    sentAt: Number.isNaN(sentMs) ? "" : new Date(sentMs).toISOString(),
    body: textOf({ headers, body }, 0).replaceAll("\r\n", "\n").trim().slice(0, BODY_CHARACTERS_MAX),
  };
}

interface Part {
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

function splitHeaders(text: string): Part {
  const end = /\r?\n\r?\n/.exec(text);
  // A folded header goes on in the next line, which begins with white space.
  const lines = text
    .slice(0, end?.index ?? text.length)
    .replaceAll(/\r?\n[ \t]+/g, " ")
    .split(/\r?\n/);
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    if (colon > 0) headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  return { headers, body: end === null ? "" : text.slice(end.index + end[0].length) };
}

/** The text a person would read: the plain part of a mail in parts, decoded. */
function textOf({ headers, body }: Part, depth: number): string {
  const type = headers.get("content-type") ?? "text/plain";
  const boundary = /boundary="?([^";]+)"?/i.exec(type)?.[1];
  if (boundary !== undefined && depth < PARTS_DEPTH_MAX) {
    const parts = body
      .split(`--${boundary}`)
      .slice(1)
      .map((part) => splitHeaders(part.replace(/^\r?\n/, "")));
    const plain = parts.find((part) => /^(text\/plain|multipart\/)/i.test(part.headers.get("content-type") ?? "text/plain"));
    return plain === undefined ? "" : textOf(plain, depth + 1);
  }
  if (!/^text\/plain/i.test(type)) return "";
  const charset = /charset="?([^";\s]+)"?/i.exec(type)?.[1] ?? "utf-8";
  return decodeText(decodeTransfer(body, headers.get("content-transfer-encoding") ?? "8bit"), charset);
}

function decodeTransfer(body: string, encoding: string): Buffer {
  switch (encoding.toLowerCase()) {
    case "base64":
      return Buffer.from(body, "base64");
    case "quoted-printable":
      return Buffer.from(unquote(body.replaceAll(/=\r?\n/g, "")), "latin1");
    default:
      return Buffer.from(body, "latin1");
  }
}

function unquote(text: string): string {
  return text.replaceAll(/=([0-9A-F]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** "=?utf-8?Q?caf=C3=A9?=" is "café". White space between two encoded words is none. */
function decodeWords(text: string): string {
  const joined = text.replaceAll(/\?=\s+=\?/g, "?==?");
  const decoded = joined.replaceAll(
    /=\?([^?]+)\?([QB])\?([^?]*)\?=/gi,
    (...[, charset = "", encoding = "", word = ""]: readonly string[]) =>
      decodeText(
        encoding.toUpperCase() === "B" ? Buffer.from(word, "base64") : Buffer.from(unquote(word.replaceAll("_", " ")), "latin1"),
        charset,
      ),
  );
  // Headers without encoded words are UTF-8 in practice (RFC 6532).
  return decoded === text ? Buffer.from(text, "latin1").toString("utf8") : decoded;
}

function decodeText(bytes: Uint8Array, charset: string): string {
  try {
    return new TextDecoder(charset).decode(bytes);
  } catch {
    // A charset nobody knows: most of the text is readable all the same.
    return new TextDecoder("utf-8").decode(bytes);
  }
}

import { ProtocolError, ProtocolErrorCode } from "@modelcontextprotocol/server";

const PAGE_LENGTH = 100;

/** One page of a list, and where the next one begins. A cursor is a place in the list; one that is none is refused. Pure. */
export function pageOf<T>(items: readonly T[], cursor: string | undefined): { readonly items: T[]; readonly nextCursor?: string } {
  const from = cursor === undefined ? 0 : placeOf(cursor);
  if (from > items.length || from % PAGE_LENGTH !== 0) throw badCursor();
  const to = from + PAGE_LENGTH;
  return { items: items.slice(from, to), ...(to < items.length && { nextCursor: Buffer.from(`p${to}`).toString("base64url") }) };
}

function placeOf(cursor: string): number {
  const place = /^p(\d{1,9})$/.exec(Buffer.from(cursor.slice(0, 64), "base64url").toString("utf8"))?.[1];
  if (place === undefined) throw badCursor();
  return Number(place);
}

function badCursor(): ProtocolError {
  return new ProtocolError(ProtocolErrorCode.InvalidParams, "wanted a cursor that a list gave, got another; list again from the beginning");
}

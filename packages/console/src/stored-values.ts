import { useInfiniteQuery } from "@tanstack/react-query";
import type { BlobPart } from "@tutti/client";
import { AppError, type BlobRef, type Json } from "@tutti/core";
import { useMemo } from "react";
import { client } from "./server.ts";

/** Characters of a large value that one request brings when somebody reads it. */
export const PART_LENGTH = 65_536;
/** Parts of one value that are put together; it is larger than any that a run may take. */
const PARTS_MAX = 1_024;

/** Whether an event holds only where the value is. */
export function isBlob(value: Json | undefined): value is Json & BlobRef {
  return typeof value === "object" && value !== null && !Array.isArray(value) && "$blob" in value && typeof value["$blob"] === "string";
}

/** The whole of a value, wherever it stands. */
export async function wholeValue(value: Json, signal?: AbortSignal): Promise<Json> {
  if (!isBlob(value)) return value;
  let text = "";
  for (let part = 0, offset = 0; part < PARTS_MAX; part += 1) {
    const read: BlobPart = await client.blob(value.$blob, { offset }, signal);
    text += read.text;
    if (read.nextOffset === null) return JSON.parse(text) as Json;
    offset = read.nextOffset;
  }
  throw new AppError("too_large", `wanted a value of at most ${PARTS_MAX} parts, got a larger one; read it through the API`);
}

/** A large value as far as somebody has read it; `whole` is there once it is read to its end. */
export function useStoredValue(sha256: string) {
  const reading = useInfiniteQuery({
    queryKey: ["blob", sha256],
    queryFn: ({ pageParam, signal }) => client.blob(sha256, { offset: pageParam, limit: PART_LENGTH }, signal),
    initialPageParam: 0,
    getNextPageParam: ({ nextOffset }) => nextOffset,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const { data, hasNextPage } = reading;
  const text = useMemo(() => data?.pages.map((part) => part.text).join("") ?? "", [data]);
  const whole = useMemo(() => (data === undefined || hasNextPage ? undefined : parsed(text)), [data, hasNextPage, text]);
  return { reading, text, whole };
}

function parsed(text: string): { readonly value: Json } | undefined {
  try {
    return { value: JSON.parse(text) as Json };
  } catch {
    // It is shown as the text that it is.
    return undefined;
  }
}

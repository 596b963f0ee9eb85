import { useInfiniteQuery } from "@tanstack/react-query";
import type { BlobRef, Json } from "@tutti/core";
import { useMemo, type ReactNode } from "react";
import { Button } from "../../parts/button.tsx";
import { JsonView } from "../../parts/json-view.tsx";
import { Failure, Loading } from "../../parts/states.tsx";
import { bytes } from "../../parts/words.ts";
import { client } from "../../server.ts";

/** Characters of a large value that one request brings. */
const PART = 65_536;

/** A value of a log. A large one stands elsewhere, and is read in parts. */
export function StoredValue({
  value,
  label,
  openTo,
}: {
  readonly value: Json;
  readonly label: string;
  readonly openTo?: number;
}): ReactNode {
  if (isBlob(value)) return <LargeValue blob={value} label={label} />;
  return <JsonView value={value} label={label} {...(openTo !== undefined && { openTo })} />;
}

/** Whether an event holds only where the value is. */
function isBlob(value: Json | undefined): value is Json & BlobRef {
  return typeof value === "object" && value !== null && !Array.isArray(value) && "$blob" in value && typeof value["$blob"] === "string";
}

/** The whole of a value, wherever it stands. */
export async function wholeValue(value: Json, signal?: AbortSignal): Promise<Json> {
  if (!isBlob(value)) return value;
  let text = "";
  for (let offset: number | null = 0; offset !== null;) {
    const part = await client.blob(value.$blob, { offset }, signal);
    text += part.text;
    offset = part.nextOffset;
  }
  return JSON.parse(text) as Json;
}

function LargeValue({ blob, label }: { readonly blob: BlobRef; readonly label: string }): ReactNode {
  const reading = useInfiniteQuery({
    queryKey: ["blob", blob.$blob],
    queryFn: ({ pageParam, signal }) => client.blob(blob.$blob, { offset: pageParam, limit: PART }, signal),
    initialPageParam: 0,
    getNextPageParam: ({ nextOffset }) => nextOffset,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const text = useMemo(() => reading.data?.pages.map((page) => page.text).join("") ?? "", [reading.data]);
  const whole = useMemo(
    () => (reading.data === undefined || reading.hasNextPage ? undefined : parsed(text)),
    [reading.data, reading.hasNextPage, text],
  );
  if (reading.error !== null && reading.data === undefined) return <Failure error={reading.error} onRetry={() => reading.refetch()} />;
  if (reading.data === undefined) return <Loading lines={3} />;
  return (
    <div className="flex flex-col gap-2">
      {whole === undefined ? (
        <pre
          className="max-h-96 overflow-auto rounded-md border border-line bg-ground p-3 font-mono text-xs break-all whitespace-pre-wrap"
          dir="auto"
          tabIndex={0}
          aria-label={label}
        >
          {text}
        </pre>
      ) : (
        <JsonView value={whole.value} label={label} openTo={1} />
      )}
      <p className="flex flex-wrap items-center gap-2 text-xs text-ink-3">
        A large value ({bytes(blob.sizeBytes)}), kept apart as {blob.$blob.slice(0, 12)}…
        {reading.hasNextPage && (
          <Button isBusy={reading.isFetchingNextPage} onClick={() => void reading.fetchNextPage()}>
            Read the next {bytes(PART)}
          </Button>
        )}
      </p>
    </div>
  );
}

function parsed(text: string): { readonly value: Json } | undefined {
  try {
    return { value: JSON.parse(text) as Json };
  } catch {
    // It is shown as the text that it is.
    return undefined;
  }
}

import type { BlobRef, Json } from "@tutti/core";
import type { ReactNode } from "react";
import { Button } from "../../parts/button.tsx";
import { JsonView } from "../../parts/json-view.tsx";
import { Failure, Loading } from "../../parts/states.tsx";
import { bytes } from "../../parts/words.ts";
import { isBlob, PART_LENGTH, useStoredValue } from "../../stored-values.ts";

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

function LargeValue({ blob, label }: { readonly blob: BlobRef; readonly label: string }): ReactNode {
  const { reading, text, whole } = useStoredValue(blob.$blob);
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
            Read the next {bytes(PART_LENGTH)}
          </Button>
        )}
      </p>
    </div>
  );
}

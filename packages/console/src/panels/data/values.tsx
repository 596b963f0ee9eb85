import { useInfiniteQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useState, type ReactNode } from "react";
import { Button } from "../../parts/button.tsx";
import { TextField } from "../../parts/fields.tsx";
import { Failure } from "../../parts/states.tsx";
import { bytes } from "../../parts/words.ts";
import { client } from "../../server.ts";

const HASH = /^[0-9a-f]{64}$/;
const PART = 65_536;

/** Values that were too large for an event; the event holds their hash in their place ("$blob"). */
export function Values(): ReactNode {
  const { sha256 = "" } = useSearch({ from: "/data" });
  const navigate = useNavigate();
  const [typed, setTyped] = useState(sha256);
  const isHash = HASH.test(typed.trim());
  return (
    <div className="flex flex-col gap-4">
      <form
        className="flex max-w-2xl items-end gap-2"
        onSubmit={(event) => {
          event.preventDefault();
          if (isHash) void navigate({ to: "/data", search: { tab: "values", sha256: typed.trim() } });
        }}
      >
        <div className="grow">
          <TextField
            label="SHA-256 of the value"
            help={'What stands beside "$blob" in an event: 64 hexadecimal digits'}
            value={typed}
            spellCheck={false}
            problem={typed.trim() === "" || isHash ? undefined : "wanted 64 hexadecimal digits"}
            onChange={({ target }) => setTyped(target.value)}
          />
        </div>
        <span className="pb-5">
          <Button type="submit" disabled={!isHash}>
            Open
          </Button>
        </span>
      </form>
      {HASH.test(sha256) && <Value key={sha256} sha256={sha256} />}
    </div>
  );
}

function Value({ sha256 }: { readonly sha256: string }): ReactNode {
  const parts = useInfiniteQuery({
    queryKey: ["blob", sha256],
    queryFn: ({ pageParam, signal }) => client.blob(sha256, { offset: pageParam, limit: PART }, signal),
    initialPageParam: 0,
    getNextPageParam: ({ nextOffset }) => nextOffset,
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (parts.error !== null) return <Failure error={parts.error} onRetry={() => parts.refetch()} />;
  const [first] = parts.data?.pages ?? [];
  if (first === undefined) return null;
  return (
    <figure className="panel p-4">
      <figcaption className="pb-2 text-xs text-ink-2">{bytes(first.sizeBytes)}</figcaption>
      <pre
        className="max-h-[60vh] overflow-auto font-mono text-xs break-words whitespace-pre-wrap"
        dir="auto"
        tabIndex={0}
        role="region"
        aria-label="The value"
      >
        {parts.data?.pages.map(({ text }) => text).join("")}
      </pre>
      {parts.hasNextPage && (
        <Button onClick={() => void parts.fetchNextPage()} isBusy={parts.isFetchingNextPage}>
          More
        </Button>
      )}
    </figure>
  );
}

import type { SavedGraph } from "@tutti/client";
import { AppError } from "@tutti/core";
import { useState } from "react";
import { useAction } from "../../action.ts";
import { complain, say } from "../../parts/toasts.tsx";
import { queryClient } from "../../query-client.ts";
import { workflowsQuery } from "../../queries.ts";
import { client } from "../../server.ts";
import { draftAfterSaving, keepDraft, readDraft, type Draft } from "./drafts.ts";
import { textOfSaved } from "./graph-words.ts";
import { graphVersionsQuery, savedGraphQuery } from "./queries.ts";

/** Saving a draft: whether it is under way, and what somebody else has saved meanwhile. */
export interface Saving {
  readonly isBusy: boolean;
  readonly theirs: SavedGraph | undefined;
  /** Saves as what follows the draft's version, or the version given. */
  readonly save: (after?: number) => void;
  /** Forgets what somebody else has saved. */
  readonly settle: () => void;
}

interface SavingParts {
  readonly name: string;
  readonly draft: Draft;
  /** What was sent is saved now; the draft may have gone on meanwhile. */
  readonly onSaved: (saved: Draft, sent: Draft) => void;
}

/** Saves a draft when nobody else has saved since it was begun; else shows what they saved. */
export function useSaving({ name, draft, onSaved }: SavingParts): Saving {
  const [theirs, setTheirs] = useState<SavedGraph>();
  const saving = useAction({
    mutationFn: ({ sent: { text, message }, after }: { readonly sent: Draft; readonly after: number }) =>
      client.saveGraph(name, { text, ifVersion: after, ...(message !== undefined && { message }) }),
    onSuccess: (reply, { sent }) => {
      if (!reply.ok)
        return complain(new AppError("invalid_input", `it is not saved: ${reply.problems.map(({ message }) => message).join("; ")}`));
      setTheirs(undefined);
      const saved = { text: textOfSaved(reply.saved), version: reply.saved.version };
      const rest = draftAfterSaving(readDraft(name) ?? sent, sent, saved);
      keepDraft(name, rest.text === saved.text && rest.message === undefined ? undefined : rest);
      onSaved(saved, sent);
      queryClient.setQueryData(savedGraphQuery(name).queryKey, reply.saved);
      void queryClient.invalidateQueries(graphVersionsQuery(name));
      void queryClient.invalidateQueries(workflowsQuery);
      say(reply.isNew ? `Saved as version ${reply.saved.version}` : "Nothing has changed since the last version");
    },
    onError: async (thrown) => {
      if (AppError.from(thrown).code !== "conflict") return complain(thrown);
      await client.savedGraph(name).then(setTheirs, () => complain(thrown));
    },
  });
  return {
    isBusy: saving.isPending,
    theirs,
    // Saved twice at once, the second would meet the first as if somebody else had saved it.
    save: (after = draft.version) => {
      if (!saving.isPending) saving.mutate({ sent: draft, after });
    },
    settle: () => setTheirs(undefined),
  };
}

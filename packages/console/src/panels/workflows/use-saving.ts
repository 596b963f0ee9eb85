import { useMutation } from "@tanstack/react-query";
import type { SavedGraph } from "@tutti/client";
import { AppError } from "@tutti/core";
import { useState } from "react";
import { complain, say } from "../../parts/toasts.tsx";
import { queryClient } from "../../query-client.ts";
import { workflowsQuery } from "../../queries.ts";
import { client } from "../../server.ts";
import { keepDraft, type Draft } from "./drafts.ts";
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
  readonly onSaved: (draft: Draft) => void;
}

/** Saves a draft when nobody else has saved since it was begun; else shows what they saved. */
export function useSaving({ name, draft, onSaved }: SavingParts): Saving {
  const [theirs, setTheirs] = useState<SavedGraph>();
  const saving = useMutation({
    mutationFn: (after: number) =>
      client.saveGraph(name, { text: draft.text, ifVersion: after, ...(draft.message !== undefined && { message: draft.message }) }),
    onSuccess: (reply) => {
      if (!reply.ok)
        return complain(new AppError("invalid_input", `it is not saved: ${reply.problems.map(({ message }) => message).join("; ")}`));
      setTheirs(undefined);
      keepDraft(name, undefined);
      onSaved({ text: textOfSaved(reply.saved), version: reply.saved.version });
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
    save: (after = draft.version) => saving.mutate(after),
    settle: () => setTheirs(undefined),
  };
}

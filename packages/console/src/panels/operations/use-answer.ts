import { useQueryClient } from "@tanstack/react-query";
import type { ApprovalAnswer, ApprovalEntry } from "@tutti/client";
import { useAction } from "../../action.ts";
import { say, complain } from "../../parts/toasts.tsx";
import { approvalsQuery } from "../../queries.ts";
import { client } from "../../server.ts";
import { approvalId, subjectOf } from "./approval-words.ts";

/** An answer to what a run asks. */
export interface Answering {
  readonly approval: ApprovalEntry;
  readonly answer: ApprovalAnswer;
}

/**
 * Answers what a run asks. It leaves the list at once, and comes back when the server refuses the answer. One that others have to approve,
 * too, stays until the feed says what became of it.
 */
export function useAnswer(options: { readonly complains: boolean } = { complains: true }) {
  const queries = useQueryClient();
  const { queryKey } = approvalsQuery;
  return useAction({
    mutationFn: ({ approval, answer }: Answering) => client.answerApproval(approval, answer),
    onMutate: async ({ approval, answer }) => {
      await queries.cancelQueries({ queryKey });
      const before = queries.getQueryData(queryKey);
      if (answer.approved && (approval.approvalsMin ?? 1) > 1) return { before: undefined };
      // With another input the server may still refuse, and whoever wrote it wants it back.
      if (answer.input === undefined)
        queries.setQueryData(queryKey, (all) => all?.filter((one) => approvalId(one) !== approvalId(approval)));
      return { before };
    },
    onError: (error, _, context) => {
      if (context?.before !== undefined) queries.setQueryData(queryKey, context.before);
      if (options.complains) complain(error);
      void queries.invalidateQueries({ queryKey });
    },
    onSuccess: (_, { approval, answer }) => {
      say(saidOf(approval, answer));
      void queries.invalidateQueries({ queryKey });
      void queries.invalidateQueries({ queryKey: ["approvals given", approvalId(approval)] });
    },
  });
}

/** What became of it; where several have to approve, one approval may not be the last. */
function saidOf(approval: ApprovalEntry, { approved }: ApprovalAnswer): string {
  const { approvalsMin = 1 } = approval;
  if (approved && approvalsMin > 1) return `Approved by you; ${approvalsMin} people have to: ${subjectOf(approval)}`;
  return `${approved ? "Approved" : "Denied"}: ${subjectOf(approval)}`;
}

import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import type { PolicyStatus } from "@tutti/client";
import { client } from "../../server.ts";

/** How the policy in force stands. */
export const policyQuery = queryOptions({ queryKey: ["policy"], queryFn: ({ signal }) => client.policy(signal) });

/** The rules in force. They are others when the hash of all policies is another, and may stand in other lines whenever a file was read. */
export const policyRulesQuery = ({ policyHash, since }: Partial<Pick<PolicyStatus, "policyHash" | "since">>) =>
  queryOptions({
    queryKey: ["policy rules", policyHash, since],
    queryFn: ({ signal }) => client.policyRules(signal),
    placeholderData: keepPreviousData,
  });

import { queryOptions } from "@tanstack/react-query";
import { client } from "../../server.ts";

/** How the policy in force stands. */
export const policyQuery = queryOptions({ queryKey: ["policy"], queryFn: ({ signal }) => client.policy(signal) });

/** The rules in force. They are others when the hash of all policies is another. */
export const policyRulesQuery = (policyHash: string) =>
  queryOptions({ queryKey: ["policy rules", policyHash], queryFn: ({ signal }) => client.policyRules(signal) });

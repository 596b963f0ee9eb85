import { z } from "zod";
import { count, json } from "./values.ts";

const Target = z.object({ type: z.enum(["tool", "agent", "workflow"]), name: z.string() });
const tier = z.enum(["rule", "cache", "semantic", "otherwise", "human", "none"]);

const decision = {
  tier,
  target: Target.exactOptional(),
  rule: z.string().exactOptional(),
  input: json.exactOptional(),
  confidence: z.number(),
  gap: z.number().describe("How much surer it is than of the next rule that leads elsewhere."),
  candidates: z.array(z.object({ rule: z.string(), target: Target, confidence: z.number(), input: json })),
  reason: z.string(),
  policyHash: z.string(),
};

/** Where a text would go, and why. */
export const Routed = z.object({
  decision: z.object(decision),
  problem: z.string().exactOptional().describe("What is wrong with the policy's file now, while an earlier state of it holds."),
});

/** What a shadow policy would have done with the newest texts. */
export const RoutingShadow = z.object({
  runs: count,
  compared: count,
  agreed: count,
  different: z.array(
    z.object({
      runId: z.string(),
      at: z.string(),
      is: z.object({ tier: z.string(), rule: z.string().exactOptional(), target: Target.exactOptional() }),
      would: z.object({
        tier: z.string().exactOptional(),
        rule: z.string().exactOptional(),
        target: Target.exactOptional(),
        error: z.string().exactOptional(),
      }),
    }),
  ),
});

/** What became of a text, by whom it was answered, and why. */
export const QueryAnswer = z.object({
  runId: z.string(),
  intent: z.string().exactOptional(),
  answer: z.string().exactOptional(),
  route: z.union([
    z.object({ ...decision, chosenBy: z.string().exactOptional() }),
    z.object({ tier: z.literal("intent"), reason: z.string() }),
  ]),
  output: json,
});

/** A text about which a person has to decide first. */
export const QueryWaits = z.object({
  runId: z.string(),
  intent: z.string().exactOptional(),
  status: z.literal("waiting"),
  message: z.string(),
  question: z.string(),
});

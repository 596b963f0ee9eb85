import { defineWorkflow, type Approval, type Json, type RunContext, type Workflow } from "@tutti/core";
import { z } from "zod";
import { answerOf } from "./matcher.ts";
import type { RouteCandidate, RouteDecision, Router, RouteTarget, ShadowDecision } from "./router.ts";

/** The workflow that routes a text and does what was found; the host's own. */
export const ROUTE_WORKFLOW = "tutti.route";

const TEXT_CHARACTERS_MAX = 100_000;
/** What a person reads of the text in the question; the whole stands in its detail. */
const QUESTION_CHARACTERS_MAX = 120;

/** What a routed text came to. `decision` is how, `chosenBy` the person who chose, `output` what the target gave. */
export type RouteOutput = {
  readonly decision: RouteDecision;
  readonly shadow?: ShadowDecision;
  readonly chosenBy?: string;
  readonly target?: RouteTarget;
  readonly answer: string;
  readonly output: Json;
};

type Routed = { readonly decision: RouteDecision; readonly shadow?: ShadowDecision; readonly answer?: string };

/** Routes a text by the policy, as a run: the decision is in its log, and so is what came of it. The router is asked for later. */
export function routeWorkflow(router: () => Router): Workflow {
  return defineWorkflow<{ text: string }, RouteOutput>({
    name: ROUTE_WORKFLOW,
    version: "1",
    description: "One text, routed by the router policy",
    input: z.object({ text: z.string().min(1).max(TEXT_CHARACTERS_MAX) }),
    async run(ctx, { text }) {
      const { tenant } = ctx.principal;
      const routed = (await ctx.step("route", async ({ signal }): Promise<Json> => {
        const policy = await router().policy();
        const decision = await router().route(text, policy, { tenant, signal });
        await router().keep(text, policy, { tenant, decision });
        const shadow = await router().shadow(text, decision, { tenant, signal });
        const answer = policy.rules.find(({ id }) => id === decision.rule)?.answer;
        return { decision, ...(shadow && { shadow }), ...(answer !== undefined && { answer }) } as unknown as Json;
      })) as unknown as Routed;
      const { decision, shadow } = routed;
      const base = { decision, ...(shadow && { shadow }) };
      if (decision.tier === "human") return { ...base, ...(await askPerson(ctx, text, { decision, router })) };
      if (decision.target === undefined) return { ...base, ...nobody(decision) };
      const output = await perform(ctx, decision.target, decision.input ?? null);
      return { ...base, target: decision.target, answer: answerFrom(output, routed.answer), output };
    },
  }) as Workflow;
}

/** Who approves takes the first candidate, or the one whose rule the reason names; who refuses leaves the text alone. */
async function askPerson(
  ctx: RunContext,
  text: string,
  { decision, router }: { readonly decision: RouteDecision; readonly router: () => Router },
): Promise<Omit<RouteOutput, "decision">> {
  const { candidates } = decision;
  const rules = candidates.map(({ rule }) => rule).join(", ");
  const asked = text.length > QUESTION_CHARACTERS_MAX ? `${text.slice(0, QUESTION_CHARACTERS_MAX)}…` : text;
  const approval = await ctx.approve({
    question: `Where should this go: ${JSON.stringify(asked)}? Approve for ${candidates[0]?.rule ?? "nothing"}, or with another rule as the reason: ${rules || "none fits"}`,
    detail: { text, candidates: candidates as unknown as Json, reason: decision.reason },
  });
  const chosen = chosenOf(approval, candidates);
  if (chosen === undefined) return { ...nobody(decision), chosenBy: approval.by };
  await ctx.step("remember the choice", async () => {
    const current = router();
    await current.remember(text, await current.policy(), { tenant: ctx.principal.tenant, chosen, by: approval.by });
  });
  const output = await perform(ctx, chosen.target, chosen.input);
  return { chosenBy: approval.by, target: chosen.target, answer: answerFrom(output), output };
}

function chosenOf({ approved, reason }: Approval, candidates: readonly RouteCandidate[]): RouteCandidate | undefined {
  if (!approved) return undefined;
  return candidates.find(({ rule }) => rule === reason.trim()) ?? candidates[0];
}

async function perform(ctx: RunContext, { type, name }: RouteTarget, input: Json): Promise<Json> {
  return type === "tool" ? ctx.call(name, input) : ctx.start(name, input);
}

function nobody({ reason, candidates }: RouteDecision): Pick<RouteOutput, "answer" | "output"> {
  const rules = candidates.map(({ rule, confidence }) => `${rule} (${confidence})`).join(", ");
  return { answer: `Nobody could decide where this goes: ${reason}.${rules === "" ? "" : ` Candidates: ${rules}.`}`, output: null };
}

/** An agent's reply is what it said; other outputs are as the rule says, or as they are. */
function answerFrom(output: Json, answer?: string): string {
  const reply = z.object({ reply: z.object({ content: z.string() }) }).safeParse(output);
  return reply.success && answer === undefined ? reply.data.reply.content : answerOf({ answer }, output);
}

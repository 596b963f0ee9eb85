import type { Json } from "@tutti/core";

/** What a guard looks at: what people and programs ask (`input`), what tools gave back (`tool-result`), what the model answers (`output`). */
export type GuardPlace = "input" | "tool-result" | "output";

/** What happens to what a guard finds: the call is refused, the finding replaced, or only noted. */
export type GuardAction = "block" | "redact" | "annotate";

interface GuardBase {
  /** Names the guard in findings and refusals. */
  readonly id: string;
  readonly where: readonly GuardPlace[];
  readonly action: GuardAction;
  /** Patterns of names: "gpt-*". Left out: all. */
  readonly models?: readonly string[] | undefined;
  readonly tenants?: readonly string[] | undefined;
  /** Calls that have one of these tags. Left out: all. */
  readonly tags?: readonly string[] | undefined;
}

/** A rule on what goes in and out of models, as data: docs/guardrails.md. */
export type GuardConfig =
  | (GuardBase & {
      readonly check: "secrets" | "personal-data";
      /** Names of shapes to look for. Left out: all of the check. */
      readonly kinds?: readonly string[] | undefined;
      /** What was replaced on the way in is put back into the answer. */
      readonly restore?: boolean | undefined;
    })
  | (GuardBase & {
      readonly check: "topics";
      readonly deny?: TopicRules | undefined;
      /** What the user says last has to have one of these. */
      readonly allow?: TopicRules | undefined;
    })
  | (GuardBase & {
      readonly check: "schema";
      /** JSON Schema. Left out: the one that the request asks for. */
      readonly schema?: Json | undefined;
      /** How often the model is asked again. */
      readonly repairsMax?: number | undefined;
    })
  | (GuardBase & { readonly check: "length"; readonly charactersMax?: number | undefined; readonly tokensMax?: number | undefined })
  | (GuardBase & {
      readonly check: "injection";
      /** Tool results are put between marks, and the model is told that what stands there is data. */
      readonly mark?: boolean | undefined;
    });

/** Words (whole, in any case) and patterns (RE2 syntax). */
export interface TopicRules {
  readonly words?: readonly string[] | undefined;
  readonly patterns?: readonly string[] | undefined;
}

/** What a guard found, without what it found there. */
export interface GuardFinding {
  readonly guard: string;
  readonly where: GuardPlace;
  readonly what: string;
  readonly action: GuardAction;
  readonly count: number;
}

import type { Reasoning } from "../model.ts";

/** What a model that speaks Anthropic's format takes. What it would refuse is left out of a request, or refused before it is sent. */
export interface MessagesTraits {
  /** The most `max_tokens` it takes. */
  readonly outputTokensMax: number;
  /** How it is asked to think: "adaptive" lets it decide how much, "budget" gives it a number of tokens. */
  readonly thinking: "adaptive" | "budget" | "never";
  /** Whether thinking can be turned off. */
  readonly canRest: boolean;
  /** The levels of effort it knows. */
  readonly efforts: readonly Effort[];
  /** "one": temperature or top_p, not both. */
  readonly sampling: "all" | "one" | "none";
  readonly canForceTools: boolean;
  /** System messages in the midst of a conversation. */
  readonly hasSystemTurns: boolean;
  /** Answers and tool inputs that keep to a schema. */
  readonly hasSchemas: boolean;
}

type Effort = Exclude<Reasoning["effort"], undefined | "none" | "minimal">;

const LEVELS: readonly Effort[] = ["low", "medium", "high", "xhigh", "max"];

const NEWEST: MessagesTraits = {
  outputTokensMax: 128_000,
  thinking: "adaptive",
  canRest: true,
  efforts: LEVELS,
  sampling: "none",
  canForceTools: true,
  hasSystemTurns: true,
  hasSchemas: true,
};
const OF_4_6: MessagesTraits = { ...NEWEST, efforts: ["low", "medium", "high", "max"], sampling: "one", hasSystemTurns: false };
const OF_4_5: MessagesTraits = { ...OF_4_6, outputTokensMax: 64_000, thinking: "budget", efforts: [] };
const OF_4_0: MessagesTraits = { ...OF_4_5, sampling: "all", hasSchemas: false };
const OF_3: MessagesTraits = { ...OF_4_0, outputTokensMax: 4_096, thinking: "never" };

/** Servers of other models that speak this format are believed to take what it has had for long. */
const OTHERS: MessagesTraits = {
  ...NEWEST,
  outputTokensMax: 8_192,
  thinking: "budget",
  efforts: [],
  sampling: "all",
  hasSystemTurns: false,
};

/** By the models' overview and the pages on thinking and structured outputs. The first row that matches counts. */
const BY_NAME: readonly (readonly [RegExp, MessagesTraits])[] = [
  [/claude-(opus|sonnet)-5-5|claude-(fable|mythos)-5-[12]/, { ...NEWEST, canRest: false, canForceTools: false }],
  [/claude-(fable|mythos)/, { ...NEWEST, canRest: false }],
  [/claude-(opus|sonnet|haiku)-5|claude-opus-4-8/, NEWEST],
  [/claude-opus-4-7/, { ...NEWEST, hasSystemTurns: false }],
  [/claude-(opus|sonnet)-4-6/, OF_4_6],
  [/claude-opus-4-5/, { ...OF_4_5, efforts: ["low", "medium", "high"] }],
  [/claude-(sonnet|haiku)-4-5/, OF_4_5],
  [/claude-opus-4-1/, { ...OF_4_5, outputTokensMax: 32_000 }],
  [/claude-opus-4/, { ...OF_4_0, outputTokensMax: 32_000 }],
  [/claude-sonnet-4/, OF_4_0],
  [/claude-3-7/, OF_4_0],
  [/claude-3-5/, { ...OF_3, outputTokensMax: 8_192 }],
  [/claude-(2|3|instant)/, OF_3],
  // A model that is newer than this table.
  [/claude/, { ...NEWEST, canRest: false }],
];

/** What a model takes, as far as its name tells. */
export function messagesTraits(model: string): MessagesTraits {
  return BY_NAME.find(([pattern]) => pattern.test(model))?.[1] ?? OTHERS;
}

/** The level a model knows that is nearest to the wanted one, and not above it where there is a lower one. */
export function nearestEffort(wanted: Reasoning["effort"], traits: MessagesTraits): Effort | undefined {
  if (wanted === undefined || traits.efforts.length === 0) return undefined;
  const rank = wanted === "none" || wanted === "minimal" ? 0 : LEVELS.indexOf(wanted);
  return traits.efforts.findLast((level) => LEVELS.indexOf(level) <= rank) ?? traits.efforts[0];
}

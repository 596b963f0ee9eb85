import { z } from "zod";
import { choice, optionalText, type Setting } from "./setting.ts";

const USD_MAX = 1_000_000_000;
const COUNT_MAX = 1_000_000_000_000;

const whole = (max: number): z.ZodInt => z.int("a whole number").min(1, "at least 1").max(max, `at most ${max}`);

const budgetSchema = z
  .strictObject(
    {
      amountUsd: z.number("US dollars").positive("more than 0").max(USD_MAX, `at most ${USD_MAX}`).optional(),
      tokens: whole(COUNT_MAX).optional(),
      per: z.enum(["day", "week", "month", "total"], "one of day, week, month, total"),
    },
    "a budget: {amountUsd or tokens, per}",
  )
  .refine(({ amountUsd, tokens }) => amountUsd !== undefined || tokens !== undefined, "a budget with amountUsd, tokens, or both");

/** Limits as people write them, for keys, users and teams. */
export const limitsSchema = z.strictObject(
  {
    requestsPerMinute: whole(10_000_000).optional(),
    tokensPerMinute: whole(COUNT_MAX).optional(),
    budgets: z.array(budgetSchema, "a list of budgets").max(16, "at most 16 budgets").optional(),
    parallel: whole(100_000).optional(),
  },
  "limits: {requestsPerMinute, tokensPerMinute, budgets, parallel}",
);

/** How much somebody may use. */
type LimitsConfig = z.infer<typeof limitsSchema>;

/** The limits of users and teams. */
export interface BudgetsConfig {
  readonly users: Readonly<Record<string, LimitsConfig>>;
  readonly teams: Readonly<Record<string, LimitsConfig>>;
}

const groups = z
  .record(z.string().min(1).max(200), limitsSchema, "names and limits")
  .refine((list) => Object.keys(list).length <= 10_000, "at most 10000 names");

const schema = z.strictObject({ users: groups.default({}), teams: groups.default({}) }, "limits: {users, teams}");

/** The keys inside `budgets`, for those who mistype one. */
export const BUDGETS_KEYS: readonly string[] = [
  ...Object.keys(schema.shape),
  ...Object.keys(limitsSchema.shape),
  "amountUsd",
  "tokens",
  "per",
];

export const budgets: Setting<BudgetsConfig> = {
  default: { users: {}, teams: {} },
  description:
    'Limits of users and teams, which keys may belong to, beside the limits of the keys themselves; the name "*" is for those that are not named. Each may have `requestsPerMinute`, `tokensPerMinute`, `parallel` and `budgets`.',
  valid: "{users, teams}, each with names and their limits",
  read: (raw) => raw,
  schema,
};

export const redisUrl: Setting<string | undefined> = optionalText({
  env: "TUTTI_REDIS_URL",
  description:
    "A Redis server that several nodes count limits and budgets in, so that they hold for all nodes together. Without it, each node counts for itself, and sees what others spent a moment later.",
  valid: "a URL that begins with redis:// or rediss://",
  shape: /^rediss?:\/\/\S+$/,
  isSecret: true,
});

export const onRedisLoss: Setting<"local" | "refuse"> = choice({
  env: "TUTTI_ON_REDIS_LOSS",
  default: "local",
  values: ["local", "refuse"],
  description:
    "What holds while Redis cannot be reached: each node counts for itself (`local`), or requests with limits are refused (`refuse`).",
});

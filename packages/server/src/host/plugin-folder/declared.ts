import { canonicalJson, type Json } from "@tutti/core";
import type { PluginPermissions } from "@tutti/core/plugin";
import { z } from "zod";
import { scheduleSchema, subscriptionSchema } from "../../engine/index.ts";

/** Schedules as a manifest has them: checked as `POST /v1/schedules` checks them, and kept as they were written. */
export const declaredSchedule = checked(scheduleSchema);
/** The same of subscriptions. */
export const declaredSubscription = checked(subscriptionSchema);

type Declared = Pick<PluginPermissions, "starts" | "hears" | "tells">;

/** What schedules and subscriptions ask for. Pure; they have been checked. */
export function declaredIn(schedules: readonly Json[], subscriptions: readonly Json[]): Declared {
  const starts = schedules.map((schedule) => scheduleSchema.parse(schedule).workflow);
  const tells: string[] = [];
  for (const { target } of subscriptions.map((subscription) => subscriptionSchema.parse(subscription))) {
    if (target.type === "workflow") starts.push(target.workflow);
    if (target.type === "agent") starts.push(target.agent);
    if (target.type === "webhook") tells.push("url" in target.to ? target.to.url : `the endpoint ${target.to.endpoint}`);
  }
  return { starts: unique(starts), tells: unique(tells), hears: unique(subscriptions.map(filterOf)) };
}

function filterOf(subscription: Json): string {
  return canonicalJson((subscription as { readonly filter?: Json }).filter ?? {});
}

function unique(items: readonly string[]): readonly string[] {
  return [...new Set(items)];
}

function checked(schema: z.ZodType): z.ZodType<Json> {
  return z.json().superRefine((value, check) => {
    for (const { path, message } of schema.safeParse(value).error?.issues ?? []) check.addIssue({ code: "custom", path, message });
  }) as z.ZodType<Json>;
}

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";
import type * as client from "@tutti/client";
import type { ChainVerdict, Json, QueueStatus, Replay, RunRecord } from "@tutti/core";
import type { RunDiff, RunInsight, Waiting, WorkflowInsight } from "@tutti/core/insight";
import type { z } from "zod";
import type { Approval, ApprovedCall, Grant } from "./approvals.ts";
import type { PublicationPage, PublishedEvent, Subscription, WebhookEndpoint } from "./events.ts";
import type { topicSchema } from "../live/index.ts";
import type { GraphAmended, GraphCheck, GraphRun } from "./graphs.ts";
import type { RunDiffAnswer, RunInsightAnswer, WaitingAnswer, WorkflowInsightAnswer } from "./insight.ts";
import type { CatalogModelShape, CatalogShape, ModelPlanShape, ModelRouteShape, ModelStatsShape, Spend } from "./models.ts";
import type { PolicyCheck, PolicyExplanation, PolicyReplay, PolicyShadow, PolicyStatus } from "./policy.ts";
import type { Routed, RoutingShadow } from "./routing.ts";
import type { Activity, BlobPart, BulkResults, RunCounts } from "./run-lists.ts";
import type { Queue, Replayed, Run, RunDetails, RunPage, StartedRun, Verdict } from "./runs.ts";
import type { GraphDifference, GraphVersion } from "./saved-graphs.ts";
import type { ComponentsHealth, DeadLetterShape, ScheduleShape, Supervised } from "./schedules.ts";
import type {
  AgentShape,
  ChatAnswer,
  FolderPlugin,
  FolderPluginDetails,
  McpServer,
  PluginShape,
  ToolImport,
  ToolResult,
  ToolShape,
  WorkflowShape,
} from "./tools.ts";

// The client writes its types by hand, so that it needs no packages; the compiler holds them against the schemas that the API is described
// with, which real answers are held against in turn. A difference is a type error here.

/** A type as both sides write it: read-only, any JSON as `Json`, and what may be missing marked, for `{}` fits `{ a?: string }`. */
type Plain<T> = [Json] extends [T]
  ? Json
  : T extends string | number | boolean | null | undefined
    ? T
    : T extends readonly (infer E)[]
      ? readonly Plain<E>[]
      : {
          readonly [K in keyof T]-?: Record<never, never> extends Pick<T, K>
            ? { readonly maybe: Plain<Exclude<T[K], undefined>> }
            : Plain<T[K]>;
        };

/** The client says exactly what the description says. */
type Same<Described extends z.ZodType, Said> = [Plain<z.output<Described>>] extends [Plain<Said>]
  ? [Plain<Said>] extends [Plain<z.output<Described>>]
    ? true
    : "the client says more than the description"
  : "the description says something else than the client";

/** The client says a part of what the description says, or says it more exactly: the rest is open. */
type Fits<Described extends z.ZodType, Said, Keys extends keyof Said = keyof Said> = {
  [K in Keys & keyof z.output<Described>]: Plain<Pick<z.output<Described>, K>> extends Plain<Pick<Said, K>> ? true : K;
}[Keys & keyof z.output<Described>] extends true
  ? Exclude<Keys, keyof z.output<Described>> extends never
    ? true
    : ["missing in the description", Exclude<Keys, keyof z.output<Described>>]
  : "the description says something else than the client";

/** Nothing happens when it runs: it does not compile unless what stands in its brackets is true. */
function holds<_Agreement extends true>(): void {}

test("the client's types are those of the API's description", () => {
  holds<Same<typeof Run, RunRecord>>();
  holds<Same<typeof RunPage, client.RunPage>>();
  holds<Same<typeof RunCounts, client.RunCounts>>();
  holds<Same<typeof Activity, client.Activity>>();
  holds<Same<typeof BulkResults, Awaited<ReturnType<client.Client["bulkRuns"]>>>>();
  holds<Same<typeof BlobPart, client.BlobPart>>();
  holds<Same<typeof StartedRun, client.StartedRun>>();
  holds<Same<typeof RunDetails, Omit<client.RunDetails, "waitingFor"> & { waitingFor: z.output<typeof RunDetails>["waitingFor"] }>>();
  holds<Same<typeof Replayed, Replay>>();
  holds<Same<typeof Verdict, ChainVerdict>>();
  holds<Same<typeof Queue, QueueStatus>>();
  holds<Same<typeof ToolShape, client.ToolEntry>>();
  holds<Same<typeof ToolResult, client.ToolResult>>();
  holds<Same<typeof ToolImport, client.ToolImportEntry>>();
  holds<Same<typeof WorkflowShape, client.WorkflowEntry>>();
  holds<Same<typeof AgentShape, client.AgentEntry>>();
  holds<Same<typeof ChatAnswer, client.ChatAnswer>>();
  holds<Same<typeof PluginShape, client.PluginEntry>>();
  holds<Fits<typeof FolderPlugin, client.FolderPlugin>>();
  holds<Fits<typeof FolderPluginDetails, client.FolderPluginDetails>>();
  holds<Fits<typeof McpServer, client.McpServerEntry>>();
  holds<Same<typeof Approval, client.ApprovalEntry>>();
  holds<Same<typeof ApprovedCall, Awaited<ReturnType<client.Client["approveCall"]>>>>();
  holds<Same<typeof Grant, client.GrantEntry>>();
  holds<Same<typeof PolicyCheck, client.PolicyCheckReply>>();
  holds<Fits<typeof PolicyStatus, client.PolicyStatus>>();
  holds<Fits<typeof PolicyExplanation, client.PolicyExplanation>>();
  holds<Fits<typeof PolicyReplay, client.PolicyReplayReply>>();
  holds<Fits<typeof PolicyShadow, Awaited<ReturnType<client.Client["shadowPolicy"]>>, "since" | "shadow">>();
  holds<Same<typeof Routed, client.RoutingExplained>>();
  holds<Same<typeof RoutingShadow, client.RoutingShadow>>();
  holds<Same<typeof CatalogShape, Awaited<ReturnType<client.Client["catalog"]>>>>();
  holds<Same<typeof CatalogModelShape, client.CatalogModel>>();
  holds<Same<typeof ModelStatsShape, client.ModelStats>>();
  holds<Fits<typeof ModelRouteShape, client.ModelRoute, "name" | "strategy" | "sticky" | "tiers">>();
  holds<Fits<typeof ModelPlanShape, client.ModelPlan>>();
  holds<Same<typeof Spend, client.SpendReport>>();
  holds<Same<typeof ScheduleShape, client.ScheduleEntry>>();
  holds<Same<typeof Supervised, client.SupervisedEntry>>();
  holds<Fits<typeof DeadLetterShape, client.DeadLetterEntry>>();
  holds<Same<typeof ComponentsHealth, client.HealthReply>>();
  holds<Same<typeof PublishedEvent, client.PublishedEvent>>();
  holds<Fits<typeof PublicationPage, client.PublicationPage, "nextAfter">>();
  holds<Fits<typeof Subscription, client.SubscriptionEntry, Exclude<keyof client.SubscriptionEntry, "filter">>>();
  holds<Fits<typeof WebhookEndpoint, client.WebhookEntry>>();
  holds<Fits<typeof GraphCheck, client.GraphCheckReply, "ok">>();
  holds<Same<typeof GraphVersion, client.GraphVersion>>();
  holds<Same<typeof GraphDifference, client.GraphVersionDifference>>();
  holds<Same<typeof GraphAmended, Awaited<ReturnType<client.Client["amendGraph"]>>>>();
  holds<Same<typeof topicSchema, client.LiveTopic>>();
  holds<Fits<typeof GraphRun, client.GraphRunReply, "run" | "amendments">>();
  holds<Fits<typeof WaitingAnswer, client.WaitingReply>>();
  holds<Same<(typeof WaitingAnswer)["shape"]["waiting"]["element"], Waiting>>();
  holds<Fits<(typeof RunInsightAnswer)["shape"]["insight"], RunInsight, "totals" | "retries" | "forks" | "status">>();
  holds<Fits<(typeof WorkflowInsightAnswer)["shape"]["insight"], WorkflowInsight, "runs" | "wall" | "bounds">>();
  holds<Fits<(typeof RunDiffAnswer)["shape"]["diff"], RunDiff, "a" | "b" | "isSame" | "input" | "end" | "firstKey" | "bounds">>();
});

test("the client runs in a browser: it imports nothing but the core, and no part of Node", async () => {
  const folder = new URL("../../../../client/src/", import.meta.url);
  const files = (await readdir(folder)).filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"));
  const imported = await Promise.all(
    files.map(async (name) =>
      [...(await readFile(new URL(name, folder), "utf8")).matchAll(/from "([^"]+)"/g)].map(([, from = ""]) => from),
    ),
  );
  assert.deepEqual(
    imported.flat().filter((from) => !from.startsWith("./") && !from.startsWith("@tutti/core")),
    [],
  );
});

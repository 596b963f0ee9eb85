import { createRootRoute, createRoute, createRouter, type AnyRoute } from "@tanstack/react-router";
import { latePage, type Load } from "./late.tsx";
import { basePath } from "./server.ts";
import { BrokenPage } from "./shell/broken-page.tsx";
import { LostPage, Shell } from "./shell/shell.tsx";

const root = createRootRoute({ component: Shell, notFoundComponent: LostPage });

/** What stands behind "?" in an address: texts only, each page reads its own. */
export type Search = Readonly<Record<string, string | undefined>>;

const validateSearch = (search: Search): Search => search;

const page = <P extends string, Name extends string>(path: P, load: Load<Name, object>, name: Name) =>
  createRoute({ getParentRoute: () => root, path, component: latePage(load, name), validateSearch });

/** A run's log may be long, so it is read while the page itself is still on its way; not when a link to it is only pointed at. */
const runPage = createRoute({
  getParentRoute: () => root,
  path: "/runs/$runId",
  component: latePage(() => import("./panels/run/run-page.tsx"), "RunPage"),
  validateSearch,
  loader: ({ params, preload }) => {
    if (preload) return;
    // A page whose code is not here says so itself.
    void import("./panels/run/queries.ts").then(({ readAhead }) => readAhead(params.runId)).catch(() => undefined);
  },
});

/** Every page and its address. Each is loaded when it is first opened. */
const routeTree = root.addChildren([
  page("/", () => import("./panels/overview/overview-page.tsx"), "OverviewPage"),
  page("/approvals", () => import("./panels/operations/approvals-page.tsx"), "ApprovalsPage"),
  page("/runs", () => import("./panels/runs/runs-page.tsx"), "RunsPage"),
  runPage,
  page("/schedules", () => import("./panels/operations/schedules-page.tsx"), "SchedulesPage"),
  page("/queues", () => import("./panels/operations/queues-page.tsx"), "QueuesPage"),
  page("/dead-letters", () => import("./panels/operations/dead-letters-page.tsx"), "DeadLettersPage"),
  page("/workflows", () => import("./panels/workflows/workflows-page.tsx"), "WorkflowsPage"),
  page("/workflows/$name", () => import("./panels/workflows/workflow-page.tsx"), "WorkflowPage"),
  page("/agents", () => import("./panels/agents/agents-page.tsx"), "AgentsPage"),
  page("/agents/$name", () => import("./panels/agents/agent-page.tsx"), "AgentPage"),
  page("/compare", () => import("./panels/agents/compare-page.tsx"), "ComparePage"),
  page("/events", () => import("./panels/data/events-page.tsx"), "EventsPage"),
  page("/data", () => import("./panels/data/data-page.tsx"), "DataPage"),
  page("/commerce", () => import("./panels/commerce/commerce-page.tsx"), "CommercePage"),
  page("/panels/$plugin/$panel", () => import("./panels/plugin/own-page.tsx"), "PanelPage"),
  page("/settings", () => import("./panels/settings/settings-page.tsx"), "SettingsPage"),
  page("/settings/$section", () => import("./panels/settings/settings-page.tsx"), "SettingsPage"),
]);

/** The console's addresses. */
export const router = createRouter({
  routeTree,
  basepath: basePath,
  defaultPreload: "intent",
  defaultErrorComponent: BrokenPage,
  scrollRestoration: true,
  parseSearch: (text) => Object.fromEntries(new URLSearchParams(text)),
  stringifySearch: (search) => {
    const given = Object.entries(search as Search).filter((entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== "");
    return given.length === 0 ? "" : `?${new URLSearchParams(given)}`;
  },
});

/** Begins to load the code of the page that the address names, before it is known whether anybody is signed in: mostly somebody is. */
export function loadPageAhead(): void {
  const routes: Readonly<Record<string, AnyRoute>> = router.routesById;
  for (const { routeId } of router.matchRoutes(router.latestLocation)) {
    const route = routes[String(routeId)];
    if (route !== undefined) void router.loadRouteChunk(route);
  }
}

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}

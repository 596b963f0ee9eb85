import { Link, useParams } from "@tanstack/react-router";
import { lazy, Suspense, type ComponentType, type ReactNode } from "react";
import { Page } from "../../parts/page.tsx";
import { Empty, Loading } from "../../parts/states.tsx";
import { SETTINGS } from "../../shell/places.ts";

/** What fills each of them; another one is one line here and one where their names stand. */
const PARTS: Readonly<Record<(typeof SETTINGS)[number]["id"], ComponentType>> = {
  access: lazy(() => import("./access.tsx").then((of) => ({ default: of.Access }))),
  models: lazy(() => import("./models.tsx").then((of) => ({ default: of.Models }))),
  policy: lazy(() => import("./policy.tsx").then((of) => ({ default: of.PolicySettings }))),
  plugins: lazy(() => import("./plugins.tsx").then((of) => ({ default: of.Plugins }))),
  mcp: lazy(() => import("./mcp.tsx").then((of) => ({ default: of.McpServers }))),
  sandbox: lazy(() => import("./sandbox.tsx").then((of) => ({ default: of.SandboxReportView }))),
  budgets: lazy(() => import("./budgets.tsx").then((of) => ({ default: of.Budgets }))),
  health: lazy(() => import("./health.tsx").then((of) => ({ default: of.HealthSettings }))),
  configuration: lazy(() => import("./configuration.tsx").then((of) => ({ default: of.Configuration }))),
  voice: lazy(() => import("./voice.tsx").then((of) => ({ default: of.VoiceSettings }))),
  appearance: lazy(() => import("./appearance-settings.tsx").then((of) => ({ default: of.AppearanceSettings }))),
};

const SECTIONS = SETTINGS.map((place) => ({ ...place, component: PARTS[place.id] }));

/** Everything that is set rather than done. */
export function SettingsPage(): ReactNode {
  const { section: asked } = useParams({ strict: false });
  const [first] = SECTIONS;
  const shown = asked === undefined ? first : SECTIONS.find(({ id }) => id === asked);
  return (
    <Page title="Settings" about={shown?.about}>
      <div className="grid gap-6 md:grid-cols-[11rem_minmax(0,1fr)]">
        <nav aria-label="Settings" className="flex gap-1 overflow-x-auto md:flex-col">
          {SETTINGS.map(({ id, title }) => (
            <Link
              key={id}
              to="/settings/$section"
              params={{ section: id }}
              aria-current={id === shown?.id ? "page" : undefined}
              className="rounded-md px-2.5 py-1.5 text-[13px] whitespace-nowrap text-ink-2 hover:bg-ground-2 hover:text-ink aria-[current=page]:bg-ground-3 aria-[current=page]:font-medium aria-[current=page]:text-ink"
            >
              {title}
            </Link>
          ))}
        </nav>
        <div className="flex min-w-0 flex-col gap-4">
          <Suspense fallback={<Loading lines={6} />}>
            {shown === undefined ? <Empty title="No such setting">Choose one of those beside.</Empty> : <shown.component />}
          </Suspense>
        </div>
      </div>
    </Page>
  );
}

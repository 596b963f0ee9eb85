import { Link, useParams } from "@tanstack/react-router";
import { Suspense, type ComponentType, type ReactNode } from "react";
import { latePart } from "../../late.tsx";
import { Page } from "../../parts/page.tsx";
import { Empty, Loading } from "../../parts/states.tsx";
import { SETTINGS } from "../../shell/places.ts";

/** What fills each of them; another one is one line here and one where their names stand. */
const PARTS: Readonly<Record<(typeof SETTINGS)[number]["id"], ComponentType>> = {
  access: latePart(() => import("./access.tsx"), "Access"),
  models: latePart(() => import("./models.tsx"), "Models"),
  policy: latePart(() => import("./policy.tsx"), "PolicySettings"),
  plugins: latePart(() => import("./plugins.tsx"), "Plugins"),
  mcp: latePart(() => import("./mcp.tsx"), "McpServers"),
  sandbox: latePart(() => import("./sandbox.tsx"), "SandboxReportView"),
  budgets: latePart(() => import("./budgets.tsx"), "Budgets"),
  health: latePart(() => import("./health.tsx"), "HealthSettings"),
  configuration: latePart(() => import("./configuration.tsx"), "Configuration"),
  voice: latePart(() => import("./voice.tsx"), "VoiceSettings"),
  appearance: latePart(() => import("./appearance-settings.tsx"), "AppearanceSettings"),
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

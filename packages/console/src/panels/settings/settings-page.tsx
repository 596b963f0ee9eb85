import { Link, useParams } from "@tanstack/react-router";
import { lazy, Suspense, type ComponentType, type ReactNode } from "react";
import { Page } from "../../parts/page.tsx";
import { Empty, Loading } from "../../parts/states.tsx";

/** A page of the settings. Another one is one line more. */
interface Section {
  readonly id: string;
  readonly title: string;
  readonly about: string;
  readonly component: ComponentType;
}

const SECTIONS: readonly Section[] = [
  {
    id: "access",
    title: "Access",
    about: "The owner's token, and browsers that are signed in",
    component: lazy(() => import("./access.tsx").then((of) => ({ default: of.Access }))),
  },
  {
    id: "models",
    title: "Models",
    about: "Providers, what they have, and whether it works",
    component: lazy(() => import("./models.tsx").then((of) => ({ default: of.Models }))),
  },
  {
    id: "policy",
    title: "Policy",
    about: "What agents may do, and what a change would have meant for last week",
    component: lazy(() => import("./policy.tsx").then((of) => ({ default: of.PolicySettings }))),
  },
  {
    id: "plugins",
    title: "Plugins",
    about: "What is installed, what it asks for and how it is",
    component: lazy(() => import("./plugins.tsx").then((of) => ({ default: of.Plugins }))),
  },
  {
    id: "mcp",
    title: "MCP servers",
    about: "Other programs' tools, each approved as it was shown",
    component: lazy(() => import("./mcp.tsx").then((of) => ({ default: of.McpServers }))),
  },
  {
    id: "sandbox",
    title: "Sandbox",
    about: "What holds a program that an agent wrote, as its self-test saw it",
    component: lazy(() => import("./sandbox.tsx").then((of) => ({ default: of.SandboxReportView }))),
  },
  {
    id: "budgets",
    title: "Keys and budgets",
    about: "Who may use models through Tutti, and how much",
    component: lazy(() => import("./budgets.tsx").then((of) => ({ default: of.Budgets }))),
  },
  {
    id: "health",
    title: "Health",
    about: "How each part is, and what to do about it",
    component: lazy(() => import("./health.tsx").then((of) => ({ default: of.HealthSettings }))),
  },
  {
    id: "configuration",
    title: "Configuration",
    about: "Every setting, its value, and where it comes from",
    component: lazy(() => import("./configuration.tsx").then((of) => ({ default: of.Configuration }))),
  },
  {
    id: "voice",
    title: "Voice",
    about: "Who writes down what you say in chats, and who reads answers aloud in this browser",
    component: lazy(() => import("./voice.tsx").then((of) => ({ default: of.VoiceSettings }))),
  },
  {
    id: "appearance",
    title: "Appearance",
    about: "How the console looks in this browser",
    component: lazy(() => import("./appearance-settings.tsx").then((of) => ({ default: of.AppearanceSettings }))),
  },
];

/** Everything that is set rather than done. */
export function SettingsPage(): ReactNode {
  const { section: asked } = useParams({ strict: false });
  const [first] = SECTIONS;
  const shown = asked === undefined ? first : SECTIONS.find(({ id }) => id === asked);
  return (
    <Page title="Settings" about={shown?.about}>
      <div className="grid gap-6 md:grid-cols-[11rem_minmax(0,1fr)]">
        <nav aria-label="Settings" className="flex gap-1 overflow-x-auto md:flex-col">
          {SECTIONS.map(({ id, title }) => (
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

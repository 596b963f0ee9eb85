import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo, type ReactNode } from "react";
import { Page } from "../../parts/page.tsx";
import { Tabs } from "../../parts/tabs.tsx";
import { useActions, type ShellAction } from "../../shell/actions.ts";
import { Queues } from "./queues.tsx";
import { SupervisedWork } from "./supervised-work.tsx";

const TABS = ["queues", "supervised"] as const;
type Tab = (typeof TABS)[number];

/** What bounds and keeps work going: queues, and workflows under supervision. */
export function QueuesPage(): ReactNode {
  const { tab: asked } = useSearch({ from: "/queues" });
  const navigate = useNavigate();
  const tab = TABS.find((one) => one === asked) ?? "queues";
  const actions = useMemo(
    (): readonly ShellAction[] => [
      {
        id: "supervised",
        title: "Supervised work",
        group: "Queues",
        words: "crash loop restart",
        run: () => navigate({ to: "/queues", search: { tab: "supervised" } }),
      },
    ],
    [navigate],
  );
  useActions(actions);
  return (
    <Page title="Queues" about="What waits for a place, and what is kept running.">
      <Tabs
        label="Queues"
        tab={tab}
        onTab={(next: Tab) => void navigate({ to: "/queues", search: { tab: next === "queues" ? undefined : next } })}
        tabs={[
          { id: "queues", title: "Queues", content: () => <Queues /> },
          { id: "supervised", title: "Supervised work", content: () => <SupervisedWork /> },
        ]}
      />
    </Page>
  );
}

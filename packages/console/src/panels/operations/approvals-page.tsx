import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo, type ReactNode } from "react";
import { Page } from "../../parts/page.tsx";
import { Tabs } from "../../parts/tabs.tsx";
import { useActions, type ShellAction } from "../../shell/actions.ts";
import { AskedApprovals } from "./asked-approvals.tsx";
import { GivenApprovals } from "./given-approvals.tsx";
import { Grants } from "./grants.tsx";

const TABS = ["asked", "grants", "given"] as const;
type Tab = (typeof TABS)[number];

/** What runs ask of people, and what people have approved before they are asked. */
export function ApprovalsPage(): ReactNode {
  const { tab: asked } = useSearch({ from: "/approvals" });
  const navigate = useNavigate();
  const tab = TABS.find((one) => one === asked) ?? "asked";
  const show = (next: Tab): void => void navigate({ to: "/approvals", search: { tab: next === "asked" ? undefined : next } });
  const actions = useMemo((): readonly ShellAction[] => {
    const group = "Approvals";
    const go = (next: Tab): unknown => navigate({ to: "/approvals", search: { tab: next } });
    return [
      { id: "approvals grants", title: "Standing grants", group, run: () => go("grants") },
      { id: "approvals given", title: "Approvals given before", group, run: () => go("given") },
    ];
  }, [navigate]);
  useActions(actions);
  return (
    <Page title="Approvals" about="What runs ask before they act. Whoever answers is named in the log.">
      <Tabs
        label="Approvals"
        tab={tab}
        onTab={show}
        tabs={[
          { id: "asked", title: "Asked now", content: () => <AskedApprovals /> },
          { id: "grants", title: "Standing grants", content: () => <Grants /> },
          { id: "given", title: "Given before", content: () => <GivenApprovals /> },
        ]}
      />
    </Page>
  );
}

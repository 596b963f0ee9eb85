import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo, type ReactNode } from "react";
import { Page } from "../../parts/page.tsx";
import { Empty } from "../../parts/states.tsx";
import { Tabs } from "../../parts/tabs.tsx";
import { useActions, type ShellAction } from "../../shell/actions.ts";
import { PluginPanels } from "../plugin/plugin-panels.tsx";
import { MeaningSearch } from "./meaning-search.tsx";
import { Spend } from "./spend.tsx";
import { Values } from "./values.tsx";

const TABS = ["spend", "datasets", "search", "values"] as const;
type Tab = (typeof TABS)[number];
const TITLES: Readonly<Record<Tab, string>> = {
  spend: "Tokens and cost",
  datasets: "Datasets",
  search: "Search by meaning",
  values: "Large values",
};

/** Tokens and cost, what plugins collected, and search. */
export function DataPage(): ReactNode {
  const { tab } = useSearch({ from: "/data" });
  const navigate = useNavigate();
  const actions = useMemo(
    () =>
      TABS.map((id): ShellAction => ({
        id: `data ${id}`,
        title: TITLES[id],
        group: "Data",
        run: () => navigate({ to: "/data", search: { tab: id } }),
      })),
    [navigate],
  );
  useActions(actions);
  return (
    <Page title="Data" about="What was used, what plugins collected, and what was too large for an event">
      <Tabs<Tab>
        label="Data"
        tab={TABS.find((one) => one === tab) ?? "spend"}
        onTab={(next) => void navigate({ to: "/data", search: { tab: next } })}
        tabs={[
          { id: "spend", title: TITLES.spend, content: () => <Spend /> },
          { id: "datasets", title: TITLES.datasets, content: () => <PluginPanels slot="data" empty={<NoDatasets />} /> },
          { id: "search", title: TITLES.search, content: () => <MeaningSearch /> },
          { id: "values", title: TITLES.values, content: () => <Values /> },
        ]}
      />
    </Page>
  );
}

function NoDatasets(): ReactNode {
  return (
    <Empty title="No plugin has brought a dataset yet">
      A plugin names its datasets and how to show them in its manifest: tables, time series, fan charts.{" "}
      <code className="font-mono text-ink">tutti plugins new</code> makes one to begin with.
    </Empty>
  );
}

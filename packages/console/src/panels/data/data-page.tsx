import { useNavigate, useSearch } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { Page } from "../../parts/page.tsx";
import { Empty } from "../../parts/states.tsx";
import { Tabs } from "../../parts/tabs.tsx";
import { PluginPanels } from "../plugin/plugin-panels.tsx";
import { MeaningSearch } from "./meaning-search.tsx";
import { Spend } from "./spend.tsx";
import { Values } from "./values.tsx";

const TABS = ["spend", "datasets", "search", "values"] as const;
type Tab = (typeof TABS)[number];

/** Tokens and cost, what plugins collected, and search. */
export function DataPage(): ReactNode {
  const { tab } = useSearch({ from: "/data" });
  const navigate = useNavigate();
  return (
    <Page title="Data">
      <Tabs<Tab>
        label="Data"
        tab={TABS.find((one) => one === tab) ?? "spend"}
        onTab={(next) => void navigate({ to: "/data", search: { tab: next } })}
        tabs={[
          { id: "spend", title: "Tokens and cost", content: () => <Spend /> },
          { id: "datasets", title: "Datasets", content: () => <PluginPanels slot="data" empty={<NoDatasets />} /> },
          { id: "search", title: "Search by meaning", content: () => <MeaningSearch /> },
          { id: "values", title: "Large values", content: () => <Values /> },
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

import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { Page } from "../../parts/page.tsx";
import { Queried } from "../../parts/queried.tsx";
import { Empty } from "../../parts/states.tsx";
import { PluginPanel } from "./plugin-panel.tsx";
import { panelsQuery } from "./queries.ts";

/** A panel that has a page of its own. */
export function PanelPage(): ReactNode {
  const { plugin, panel: id } = useParams({ from: "/panels/$plugin/$panel" });
  const panels = useQuery(panelsQuery("page"));
  return (
    <Queried query={panels}>
      {(all) => {
        const panel = all.find((one) => one.plugin === plugin && one.id === id);
        return (
          <Page title={panel?.title ?? id}>
            {panel === undefined ? (
              <Empty title={`No plugin called ${plugin} brings this panel now`} />
            ) : (
              <PluginPanel panel={{ ...panel, size: "wide" }} />
            )}
          </Page>
        );
      }}
    </Queried>
  );
}

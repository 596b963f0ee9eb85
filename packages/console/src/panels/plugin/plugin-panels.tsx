import { useQuery } from "@tanstack/react-query";
import type { PanelEntry } from "@tutti/client";
import type { PanelSlot } from "@tutti/core/plugin";
import type { ReactNode } from "react";
import { Queried } from "../../parts/queried.tsx";
import { PluginPanel } from "./plugin-panel.tsx";
import { panelsQuery } from "./queries.ts";

interface PluginPanelsProps {
  readonly slot: PanelSlot;
  /** What stands there while no plugin has brought anything; nothing unless given. */
  readonly empty?: ReactNode;
}

/** All panels that plugins bring to one place. */
export function PluginPanels({ slot, empty = null }: PluginPanelsProps): ReactNode {
  const panels = useQuery(panelsQuery(slot));
  if (empty === null && (panels.data ?? []).length === 0) return null;
  return <Queried query={panels}>{(all) => (all.length === 0 ? empty : <PanelGrid panels={all} />)}</Queried>;
}

/** Panels side by side, each as wide as it wishes. */
function PanelGrid({ panels }: { readonly panels: readonly PanelEntry[] }): ReactNode {
  return (
    <div className="grid grid-flow-row-dense grid-cols-1 gap-4 md:grid-cols-2 xl:grid-cols-4">
      {panels.map((panel) => (
        <PluginPanel key={`${panel.plugin} ${panel.id}`} panel={panel} />
      ))}
    </div>
  );
}

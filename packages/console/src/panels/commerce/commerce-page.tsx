import { useQuery } from "@tanstack/react-query";
import { BadgePercent, Headset, Megaphone, Package, ShoppingBag, TrendingUp, Waves, type LucideIcon } from "lucide-react";
import type { ReactNode } from "react";
import { CopyButton } from "../../parts/copy.tsx";
import { Page } from "../../parts/page.tsx";
import { Empty } from "../../parts/states.tsx";
import { PluginPanels } from "../plugin/plugin-panels.tsx";
import { panelsQuery } from "../plugin/queries.ts";

/** What a shop's plugin is expected to bring. */
const PLACES: readonly { readonly title: string; readonly about: string; readonly icon: LucideIcon }[] = [
  { title: "Trending keywords", about: "What people look for, and where it goes", icon: TrendingUp },
  { title: "Demand forecasts", about: "What will be sold, with how much doubt", icon: Waves },
  { title: "Price adjustments", about: "What agents propose, before it is done", icon: BadgePercent },
  { title: "Campaigns", about: "What runs, what it costs and brings", icon: Megaphone },
  { title: "Support", about: "Who waits for an answer", icon: Headset },
  { title: "Orders", about: "What was bought and where it is", icon: Package },
];
const COMMAND = "tutti plugins add examples/plugins/shop && tutti plugins enable shop";

/** The shop's panels, or how to have some. */
export function CommercePage(): ReactNode {
  const { data: panels } = useQuery(panelsQuery("commerce"));
  return (
    <Page title="Commerce" about={panels?.length === 0 ? undefined : "Panels of the shop's plugins"}>
      <PluginPanels slot="commerce" empty={<NoShop />} />
    </Page>
  );
}

function NoShop(): ReactNode {
  return (
    <>
      <Empty icon={ShoppingBag} title="No plugin brings commerce panels yet">
        <p>A plugin of a shop fills the places below. Try the example:</p>
        <p className="mt-2 inline-flex items-center gap-1 rounded-md border border-line bg-ground px-2 font-mono text-xs text-ink">
          {COMMAND}
          <CopyButton text={COMMAND} label="Copy the command" />
        </p>
      </Empty>
      <ul className="grid gap-4 sm:grid-cols-2 lg:grid-cols-3">
        {PLACES.map(({ title, about, icon: Icon }) => (
          <li key={title} className="flex items-start gap-3 rounded-lg border border-dashed border-line-strong p-4">
            <Icon aria-hidden className="size-5 text-ink-3" strokeWidth={1.5} />
            <div>
              <h2 className="text-[13px] font-medium">{title}</h2>
              <p className="text-xs text-ink-2">{about}</p>
            </div>
          </li>
        ))}
      </ul>
    </>
  );
}

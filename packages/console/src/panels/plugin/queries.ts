import { queryOptions } from "@tanstack/react-query";
import type { PanelEntry, PanelReply } from "@tutti/client";
import type { Json } from "@tutti/core";
import type { PanelSlot } from "@tutti/core/plugin";
import { client } from "../../server.ts";

/** What a person entered into a panel's fields. */
export type PanelInput = Readonly<Record<string, Json>>;

/** Panels that plugins bring to a place of the console. */
export const panelsQuery = (slot: PanelSlot) =>
  queryOptions({ queryKey: ["panels", slot], queryFn: ({ signal }) => client.panels(slot, signal) });

/** What a panel shows now, asked for again as often as it wishes. */
export const panelDataQuery = ({ plugin, id, refreshSeconds }: PanelEntry, input: PanelInput) =>
  queryOptions<PanelReply>({
    queryKey: ["panel", plugin, id, input],
    queryFn: ({ signal }) => client.panelData({ plugin, panel: id, input }, signal),
    ...(refreshSeconds !== undefined && { refetchInterval: refreshSeconds * 1000 }),
  });

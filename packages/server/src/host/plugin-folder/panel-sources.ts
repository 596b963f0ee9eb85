import { AppError, type Tool } from "@tutti/core";
import type { Panel } from "@tutti/core/plugin";
import { toolOf } from "../panels/index.ts";
import { placesIn, type PluginManifest } from "./manifest.ts";

interface Problem {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/**
 * Throws `invalid_config`, with places in the manifest, when a panel names a tool that is neither the plugin's own nor one it asks for, a data
 * set that is none, or shows what a tool gives that does more than read. Else a panel could call anything as whoever looks at it.
 */
export async function requireFed(
  folder: string,
  { manifest, tools }: { readonly manifest: PluginManifest; readonly tools: readonly Tool[] },
): Promise<void> {
  const problems = manifest.panels.flatMap((panel, index) =>
    problemsOf(panel, { manifest, tools }).map(({ path, message }) => ({ path: ["panels", index, ...path], message })),
  );
  if (problems.length === 0) return;
  const at = await placesIn(folder);
  throw new AppError("invalid_config", problems.map(({ path, message }) => `${message} (${at(path)})`).join("\n"));
}

function problemsOf(
  panel: Panel,
  { manifest: { name, permissions, datasets }, tools }: { readonly manifest: PluginManifest; readonly tools: readonly Tool[] },
): readonly Problem[] {
  if (panel.view === "chat") return [];
  const { source } = panel;
  if ("dataset" in source && !datasets.some((dataset) => dataset.name === source.dataset)) {
    const known = datasets.map((dataset) => dataset.name).join(", ") || "none";
    return [{ path: ["source", "dataset"], message: `the panel ${panel.id} names the data set ${source.dataset}; there are: ${known}` }];
  }
  const wanted = toolOf(name, source);
  if (wanted === undefined) return [];
  const own = tools.find((tool) => tool.name === wanted);
  const path = ["source", "tool"];
  if (own === undefined && !permissions.tools.includes(wanted))
    return [{ path, message: `the panel ${panel.id} names ${wanted}, which is neither a tool of the plugin nor one of permissions.tools` }];
  if (panel.view !== "form" && own !== undefined && own.effect !== "read")
    return [{ path, message: `the panel ${panel.id} shows what ${wanted} gives, which can ${own.effect}; make it a form` }];
  return [];
}

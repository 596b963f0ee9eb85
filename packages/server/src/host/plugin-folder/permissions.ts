import type { PluginPermissions } from "@tutti/core/plugin";

const LISTS = ["network", "secrets", "tools", "models", "paths", "offers", "starts", "hears", "tells"] as const;

const WORDS = {
  network: "send requests to",
  secrets: "read the secret",
  tools: "call the tool",
  models: "ask the model",
  paths: "use the path",
  offers: "let anybody call its own tool",
  starts: "start, at its times or for events,",
  hears: "be given the events that pass",
  tells: "send events to",
} as const;

/** What is asked for beyond what was granted, in words, one thing each; nothing when the grant covers it. Pure. */
export function beyond(asked: PluginPermissions, granted: PluginPermissions | undefined): readonly string[] {
  const more = LISTS.flatMap((list) =>
    asked[list].filter((item) => granted?.[list].includes(item) !== true).map((item) => `${WORDS[list]} ${item}`),
  );
  if (granted === undefined) more.push(`use ${asked.memoryMb} MB of memory`);
  else if (asked.memoryMb > granted.memoryMb) more.push(`use ${asked.memoryMb} MB of memory, not ${granted.memoryMb}`);
  return more;
}

/** What is asked for, in words for the one who is to grant it. Pure. */
export function inWords(asked: PluginPermissions): readonly string[] {
  return beyond(asked, undefined);
}

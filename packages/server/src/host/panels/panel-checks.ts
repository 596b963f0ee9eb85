import type { Panel, PanelField } from "@tutti/core/plugin";

/** What is wrong of one panel beyond the shape of its parts; the message finishes "… must be". */
interface Problem {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** Fields need keys of their own, and a tool that takes them. Pure. */
export function fieldProblems(panel: Panel): readonly Problem[] {
  const { fields = [] } = panel;
  if (fields.length === 0) return [];
  if (!("source" in panel) || !("tool" in panel.source))
    return [{ path: ["fields"], message: "left out where no tool takes what is entered" }];
  const preset = Object.keys(panel.source.input ?? {});
  return fields.flatMap((field, index) => {
    const problems: Problem[] = [];
    const say = (key: string, message: string): void => void problems.push({ path: ["fields", index, key], message });
    if (fields.findIndex(({ key }) => key === field.key) !== index) say("key", `a key of its own, got ${field.key} again`);
    if (preset.includes(field.key)) say("key", `a key that source.input does not have, got ${field.key}`);
    if (!isDefaultAnOption(field)) say("default", "the value of one of its options");
    return problems;
  });
}

/** A form needs a tool; a text that is given has no inside. Pure. */
export function sourceProblems(panel: Panel): readonly Problem[] {
  if (panel.view === "form" && !("tool" in panel.source))
    return [{ path: ["source"], message: "a tool, {tool, input}, that takes what is entered" }];
  if (panel.view === "markdown" && "text" in panel.source && panel.at !== undefined)
    return [{ path: ["at"], message: "left out where the text is given" }];
  return [];
}

function isDefaultAnOption(field: PanelField): boolean {
  return field.kind !== "select" || field.default === undefined || field.options.some(({ value }) => value === field.default);
}

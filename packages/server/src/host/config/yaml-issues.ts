import type { z } from "zod";
import type { YamlFile } from "./yaml-file.ts";

/** What a schema found wrong in a YAML file, each with its place. `what` names the file's kind; `wording` finishes a message. */
export function issuesIn(
  file: YamlFile,
  issues: readonly z.core.$ZodIssue[],
  { what, wording = (message) => message }: { readonly what: string; readonly wording?: (message: string) => string },
): string {
  return issues
    .flatMap((issue) => {
      if (issue.code === "unrecognized_keys")
        return issue.keys.map((key) => `${dotted([...issue.path, key])} is no key of ${what} (${file.keyAt([...issue.path, key])})`);
      return [`${dotted(issue.path) || "the file"}: ${wording(issue.message)} (${file.at(issue.path)})`];
    })
    .join("\n");
}

function dotted(path: readonly PropertyKey[]): string {
  return path.map((part, index) => (typeof part === "number" ? `[${part}]` : `${index === 0 ? "" : "."}${String(part)}`)).join("");
}

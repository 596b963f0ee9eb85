import { AppError } from "@tutti/core";
import { RE2JS } from "re2js";

/** Whether a path fits a pattern: `*` is any part of a name, `**` any number of folders, `?` one character. Runs on RE2. */
export function globbed(pattern: string): (path: string) => boolean {
  if (pattern.includes("\0")) throw new AppError("invalid_input", "wanted a pattern of a path, got one with a zero character");
  // A pattern without a folder is for names, wherever they are.
  const whole = pattern.includes("/") ? pattern : `**/${pattern}`;
  const expression = whole.replaceAll(/\*\*\/|\*\*|\*|\?|[^*?]+/g, (part) => {
    if (part === "**/") return "(?:.*/)?";
    if (part === "**") return ".*";
    if (part === "*") return "[^/]*";
    return part === "?" ? "[^/]" : RE2JS.quote(part);
  });
  const compiled = RE2JS.compile(expression, RE2JS.DOTALL);
  return (path) => compiled.matches(path);
}

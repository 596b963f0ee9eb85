import type { Tool } from "@tutti/core";
import { echo } from "./echo.ts";
import { safeCalc } from "./safe-calc/safe-calc.ts";
import { summarizeText } from "./summarize-text/summarize-text.ts";

/** The tools that are always there. None of them reads or changes anything outside its input. */
export const builtInTools: readonly Tool[] = [echo, safeCalc, summarizeText];
export { tellingSentences } from "./summarize-text/summarize-text.ts";
export { codeTools } from "./code/code-tools.ts";
export { reachingTools, type ReachingTools } from "./own-tools.ts";
export type { SecretSource } from "./secrets.ts";
export { importSchema, type ApiImport, type ApiTools } from "./openapi/openapi-tools.ts";
export { closedIn } from "./files/closed-places.ts";

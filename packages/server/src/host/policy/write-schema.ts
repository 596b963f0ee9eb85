// Writes docs/schemas/tool-policy.schema.json, which editors read; a test compares it with the format.
import { writeFileSync } from "node:fs";
import { policyJsonSchema } from "./rule-schema.ts";

writeFileSync(
  new URL("../../../../../docs/schemas/tool-policy.schema.json", import.meta.url),
  `${JSON.stringify(policyJsonSchema(), undefined, 2)}\n`,
);

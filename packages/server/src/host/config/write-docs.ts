import { readFileSync, writeFileSync } from "node:fs";
import { configTable, envExample } from "./describe.ts";

// Run this file with Node after a change of settings.ts: it writes .env.example and the table in docs/configuration.md.

const repository = new URL("../../../../../", import.meta.url);
const page = new URL("docs/configuration.md", repository);

writeFileSync(new URL(".env.example", repository), envExample());
writeFileSync(
  page,
  readFileSync(page, "utf8").replace(/\| key \|[^]*\|\n/, () => `${configTable()}\n`),
);

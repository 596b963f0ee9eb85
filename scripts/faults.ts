// One fault for each wall, budget and rule that `npm run check` holds. Each stands in a file of its own.

/** A fault: the file that has it, and what the check must say about that file. */
export interface Fault {
  readonly check: string;
  readonly path: string;
  readonly text: string;
  /** What the report says beside the file's name; a lint rule, an error code, a name. */
  readonly says: string;
  /** How often; once if not given. */
  readonly times?: number;
  /** Whether the text goes to the end of a file that is there. */
  readonly isAppended?: boolean;
}

const server = "packages/server/src";
const lines = (count: number, line: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => line(index)).join("\n");

/** Imports that a part may not have, each a fault of its own. */
const walls: Readonly<Record<string, readonly string[]>> = {
  "packages/core/src": ["node:fs", "zod", "@tutti/client", "tutti", "../../client/src/index.ts"],
  "packages/client/src": ["node:fs", "zod", "tutti", "../../server/src/index.ts", "../../core/src/index.ts", "@tutti/plugin-holly"],
  [`${server}/engine`]: [
    "../store/index.ts",
    "../tools/index.ts",
    "../host/index.ts",
    "../http/index.ts",
    "../cli/main.ts",
    "../index.ts",
    "tutti",
  ],
  [`${server}/engine/embedded`]: ["../../store/index.ts", "../../host/config/index.ts", "../../../../core/src/json.ts"],
  [`${server}/models`]: ["../engine/index.ts", "../auth/index.ts", "../host/index.ts", "@tutti/client"],
  [`${server}/store`]: ["../engine/index.ts", "../telemetry/index.ts", "../http/index.ts"],
  [`${server}/sandbox`]: ["../engine/index.ts", "../host/index.ts"],
  [`${server}/auth`]: ["../store/index.ts", "../http/index.ts"],
  [`${server}/telemetry`]: ["../models/index.ts", "../host/index.ts"],
  [`${server}/mcp`]: ["../tools/index.ts", "../host/index.ts"],
  [`${server}/tools`]: ["../mcp/index.ts", "../host/index.ts", "@tutti/plugin-holly"],
  [`${server}/host`]: ["../http/index.ts", "../cli/main.ts", "../engine/embedded/execution.ts", "@tutti/plugin-holly", "@tutti/client"],
  [`${server}/host/config`]: ["../app.ts", "../../engine/index.ts", "../../http/index.ts"],
  [`${server}/http`]: ["../cli/main.ts", "../host/app.ts", "../engine/embedded/execution.ts", "@tutti/client"],
  [`${server}/cli`]: ["../engine/index.ts", "../engine/embedded/execution.ts", "../store/index.ts", "../http/router.ts", "../host/app.ts"],
  "plugins/holly/src": [
    "tutti",
    "@tutti/client",
    "@tutti/plugin-scanner",
    "../../../packages/server/src/index.ts",
    "../../scanner/src/index.ts",
  ],
  "plugins/scanner/src": ["../../holly/src/index.ts", "@tutti/plugin-holly"],
  "examples/planted": ["../../packages/server/src/index.ts", "../first-orchestrator/main.ts"],
};

const wallFaults: readonly Fault[] = Object.entries(walls).map(([folder, imports]) => ({
  check: "lint",
  path: `${folder}/planted-wall.ts`,
  text: imports.map((path, index) => `import { x as x${index} } from "${path}";\nconsole.log(x${index});`).join("\n"),
  says: "tutti(walls)",
  times: imports.length,
}));

const nativeRace = `import { defineWorkflow } from "tutti";
export const planted = defineWorkflow({
  name: "planted",
  version: "1",
  input: { "~standard": { validate: (value: unknown) => ({ value }) } },
  run: (ctx) => Promise.race([1, 2].map((n) => ctx.step("n", () => n))),
});`;

const rule = (says: string, text: string, path = `${server}/tools/planted-${says.replace(/^.*\(|\)/g, "")}.ts`): Fault => ({
  check: "lint",
  path,
  text,
  says,
});

const ruleFaults: readonly Fault[] = [
  { check: "lint", path: "examples/planted/planted-race.ts", text: nativeRace, says: "workflow(no-native-race)" },
  // Every way to write an import is followed.
  {
    check: "lint",
    path: `${server}/auth/planted-forms.ts`,
    text:
      'import type { A } from "../host/app.ts";\nexport { b } from "../host/app.ts";\nexport * from "../host/app.ts";\nimport "../host/app.ts";\n' +
      'export const load = (): unknown => import("../host/app.ts");\nexport type C = A | import("../host/app.ts").C;',
    says: "tutti(walls)",
    times: 6,
  },
  rule(
    "import(no-cycle)",
    'import { b } from "./planted-cycle-b.ts";\nexport const a = (): number => b();',
    `${server}/tools/planted-cycle-a.ts`,
  ),
  rule(
    "import(no-cycle)",
    'import { a } from "./planted-cycle-a.ts";\nexport const b = (): number => a();',
    `${server}/tools/planted-cycle-b.ts`,
  ),
  rule(
    "import(no-cycle)",
    'import type { D } from "./planted-cycle-d.ts";\nexport interface C { readonly d?: D }',
    `${server}/tools/planted-cycle-c.ts`,
  ),
  rule(
    "import(no-cycle)",
    'import type { C } from "./planted-cycle-c.ts";\nexport interface D { readonly c?: C }',
    `${server}/tools/planted-cycle-d.ts`,
  ),
  rule("import(no-default-export)", "export default 1;"),
  rule(
    "eslint(max-lines)",
    lines(401, (index) => `export const line${index} = ${index};`),
  ),
  rule(
    "eslint(max-lines-per-function)",
    `export function long(): number {\n  let sum = 0;\n${lines(68, (index) => `  sum += ${index};`)}\n  return sum;\n}`,
  ),
  rule("eslint(max-params)", "export const add = (a: number, b: number, c: number, d: number): number => a + b + c + d;"),
  rule(
    "eslint(max-depth)",
    "export function deep(n: number): number {\n  if (n > 1) { if (n > 2) { if (n > 3) { if (n > 4) { return 1; } } } }\n  return 0;\n}",
  ),
  rule("eslint(complexity)", `export const pick = (n: number): number => ${lines(15, (index) => `n === ${index} ? ${index + 1} : `)}0;`),
  rule("eslint(no-console)", 'console.log("planted");'),
  rule(
    "eslint(no-else-return)",
    "export function sign(n: number): number {\n  if (n < 0) {\n    return -1;\n  } else {\n    return 1;\n  }\n}",
  ),
  rule("node(no-process-env)", 'export const home = process.env["HOME"];'),
  rule("typescript(ban-ts-comment)", "// @ts-ignore\nexport const wrong: number = 1;"),
  rule("typescript(no-explicit-any)", "export const anything = (value: any): unknown => value;"),
  rule("typescript(no-non-null-assertion)", "export const first = (list: readonly number[]): number => list[0]!;"),
  rule("typescript(consistent-type-imports)", 'import { Json } from "@tutti/core";\nexport const value: Json = 1;'),
  rule("typescript(no-floating-promises)", "export function forget(): void {\n  Promise.resolve(1);\n}"),
  // A promise that comes from another package of the workspace counts too.
  rule(
    "typescript(no-floating-promises)",
    'import { collect, type ModelPart } from "@tutti/core";\nexport function forget(parts: AsyncIterable<ModelPart>): void {\n  collect(parts);\n}',
    `${server}/tools/planted-floating-import.ts`,
  ),
  rule(
    "typescript(switch-exhaustiveness-check)",
    'export function name(kind: "a" | "b"): string {\n  switch (kind) {\n    case "a":\n      return "A";\n  }\n  return "";\n}',
  ),
  rule("typescript(only-throw-error)", 'export function fail(): never {\n  throw "planted";\n}'),
  rule("unicorn(filename-case)", "export const planted = 1;", `${server}/tools/PlantedCase.ts`),
];

const typeFaults: readonly Fault[] = [
  { check: "types", path: "packages/core/src/planted-process.ts", text: "export const planted = process.pid;", says: "TS2591" },
  { check: "types", path: "packages/core/src/planted-buffer.ts", text: 'export const planted = Buffer.from("");', says: "TS2591" },
  {
    check: "types",
    path: "packages/core/src/planted-fs.ts",
    text: 'import { readFileSync } from "node:fs";\nexport const planted = readFileSync;',
    says: "TS2591",
  },
  { check: "types", path: "packages/core/src/planted-window.ts", text: "export const planted = window.name;", says: "TS2304" },
  { check: "types", path: "packages/core/src/planted-type.ts", text: 'export const planted: number = "";', says: "TS2322" },
  { check: "types", path: "packages/core/src/planted.test.ts", text: 'export const planted: number = "";', says: "TS2322" },
  { check: "types", path: "packages/client/src/planted-process.ts", text: "export const planted = process.pid;", says: "TS2591" },
  { check: "types", path: `${server}/tools/planted-type.ts`, text: 'export const planted: number = "";', says: "TS2322" },
  {
    check: "types",
    path: `${server}/tools/planted-index.ts`,
    text: "export const first = (list: readonly number[]): number => list[0];",
    says: "TS2322",
  },
  { check: "types", path: `${server}/tools/planted-enum.ts`, text: "export enum Planted {\n  A,\n}", says: "TS1294" },
  { check: "types", path: `${server}/tools/planted.test.ts`, text: 'export const planted: number = "";', says: "TS2322" },
  { check: "types", path: "plugins/holly/src/planted-type.ts", text: 'export const planted: number = "";', says: "TS2322" },
  { check: "types", path: "examples/planted/planted-type.ts", text: 'export const planted: number = "";', says: "TS2322" },
];

const copied = lines(
  300,
  (index) => `export const copied${index} = [${index}, "${"x".repeat(index % 7)}", ${index * 3}].concat([${index}]);`,
);

const manyNames = Array.from({ length: 61 }, (_, index) => `planted${index}`);

const otherFaults: readonly Fault[] = [
  { check: "format", path: `${server}/tools/planted-format.ts`, text: "export   const planted = 1", says: "" },
  // Many copies, so that they are more than 1 % of a tree that grows.
  ...Array.from({ length: 8 }, (_, index) => ({ check: "dup", path: `${server}/tools/planted-copy-${index}.ts`, text: copied, says: "" })),
  // Names are told in their order, and not all of them where many differ.
  { check: "console", path: "packages/console/dist/assets/a-planted.js", text: "alert(1);", says: "stale_console" },
  { check: "docs", path: "docs/planted.md", text: "```ts\nexport const neverCompiled = planted;\n```", says: "not part of any file" },
  {
    check: "exports",
    path: "packages/core/src/index.ts",
    text: `export { ${manyNames.join(", ")} } from "./planted.ts";`,
    says: "wanted at most",
    isAppended: true,
  },
  { check: "dead", path: `${server}/tools/planted-file.ts`, text: "export const planted = 1;", says: "" },
  { check: "dead", path: `${server}/tools/index.ts`, text: "export const plantedExport = 1;", says: "plantedExport", isAppended: true },
  { check: "dead", path: `${server}/tools/index.ts`, text: "export type PlantedType = 1;", says: "PlantedType", isAppended: true },
  {
    check: "dead",
    path: `${server}/tools/index.ts`,
    text: 'export { default as planted } from "left-pad";',
    says: "left-pad",
    isAppended: true,
  },
  {
    check: "dead",
    path: "plugins/planted/package.json",
    text: '{ "name": "@tutti/plugin-planted", "version": "0.1.0", "type": "module", "dependencies": { "left-pad": "1.3.0" } }',
    says: "left-pad",
  },
];

export const faults: readonly Fault[] = [...wallFaults, ...ruleFaults, ...typeFaults, ...otherFaults];

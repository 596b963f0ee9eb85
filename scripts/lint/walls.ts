// The walls between packages and rooms, as one table and one oxlint rule. The rule follows an import to the file it
// leads to and also sees `import()` and types, which `no-restricted-imports` compares as text or not at all.
import { dirname, join, relative, sep } from "node:path";

/** What a part of the tree may import besides itself. */
interface Part {
  readonly parts: readonly string[];
  /** Whether it may import packages from outside the workspace, and Node's own modules. */
  readonly hasPackages: boolean;
}

const room = (name: string): string => `packages/server/src/${name}`;

const core = "packages/core";
const client = "packages/client";
const config = room("host/config");
/** What workers share about the network; it knows nothing of what they are for. */
const net = room("net");
/** What workers share about JSON Schemas of strangers. */
const schemas = room("schemas");
const workers = ["engine", "models", "store", "sandbox", "auth", "telemetry", "mcp", "tools", "plugins"].map(room);

/** Four floors: faces, host, workers, core; `net` and `schemas` are between the last two. An import points down, and workers never import each other. */
const parts: Readonly<Record<string, Part>> = {
  [core]: { parts: [], hasPackages: false },
  [client]: { parts: [core], hasPackages: false },
  ...Object.fromEntries(workers.map((worker) => [worker, { parts: [core, net, schemas], hasPackages: true }])),
  [net]: { parts: [core], hasPackages: true },
  [schemas]: { parts: [core], hasPackages: true },
  [config]: { parts: [core], hasPackages: true },
  [room("host")]: { parts: [core, net, schemas, config, ...workers], hasPackages: true },
  [room("http")]: { parts: [core, config, room("host"), ...workers], hasPackages: true },
  // The command line reaches a server as any client does; it opens the host and the door to be that server.
  [room("cli")]: { parts: [core, client, config, room("host"), room("http")], hasPackages: true },
  // The public files of the package itself (index.ts, testing.ts) may open every room.
  "packages/server": { parts: [core, config, room("host"), room("http"), ...workers], hasPackages: true },
  "packages/console": { parts: [core, client], hasPackages: true },
  "packages/edge": { parts: [core, client], hasPackages: true },
  plugins: { parts: [core], hasPackages: true },
  // Examples are what a user writes, so they see what a user sees.
  examples: { parts: [core, client, "packages/server", "plugins"], hasPackages: true },
};

const byLongestPath = Object.keys(parts).toSorted((a, b) => b.length - a.length);

/** Which import is not allowed and why; `undefined` when it is. `file` is relative to the workspace, with "/". Pure. */
export function wallBetween(file: string, specifier: string): string | undefined {
  const from = partOf(file);
  if (from === undefined) return undefined;
  const target = follow(file, specifier);
  if (target === undefined) {
    return parts[from.kind]?.hasPackages === true ? undefined : `${from.path} imports no packages and nothing of Node`;
  }
  const to = partOf(target.file);
  if (to === undefined) return `${from.path} may not import ${target.file}`;
  if (to.path === from.path) return undefined;
  if (parts[from.kind]?.parts.includes(to.kind) !== true) return `${from.path} may not import ${to.path}`;
  if (target.isByName) return undefined;
  const isSamePackage = from.path.startsWith("packages/server") && to.path.startsWith("packages/server");
  if (!isSamePackage) return `${to.path} is imported by its package name`;
  return target.file === `${to.path}/index.ts` ? undefined : `of ${to.path}, import its public file index.ts`;
}

/** The part a file belongs to. Plugins (and examples) share one row of the table but are apart from each other. */
function partOf(file: string): { readonly kind: string; readonly path: string } | undefined {
  const kind = byLongestPath.find((path) => file.startsWith(`${path}/`));
  if (kind === undefined) return undefined;
  const isFamily = kind === "plugins" || kind === "examples";
  return { kind, path: isFamily ? file.split("/").slice(0, 2).join("/") : kind };
}

/** The workspace file that a specifier leads to; `undefined` for packages from outside. */
function follow(file: string, specifier: string): { readonly file: string; readonly isByName: boolean } | undefined {
  if (specifier.startsWith(".")) return { file: join(dirname(file), specifier).replaceAll(sep, "/"), isByName: false };
  const name = /^(@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier;
  if (name === "tutti") return { file: "packages/server/index.ts", isByName: true };
  if (!name.startsWith("@tutti/")) return undefined;
  const own = name.slice("@tutti/".length);
  const folder = own.startsWith("plugin-") ? `plugins/${own.slice("plugin-".length)}` : `packages/${own}`;
  return { file: `${folder}/index.ts`, isByName: true };
}

interface Import {
  readonly source: { readonly value?: unknown } | null;
}

interface RuleContext {
  readonly cwd: string;
  readonly filename: string;
  report(problem: { readonly node: Import; readonly message: string }): void;
}

/** One visitor for each way to write an import. */
function create(context: RuleContext): Readonly<Record<string, (node: Import) => void>> {
  const file = relative(context.cwd, context.filename).replaceAll(sep, "/");
  const visit = (node: Import): void => {
    const specifier = node.source?.value;
    const wall = typeof specifier === "string" ? wallBetween(file, specifier) : undefined;
    if (wall !== undefined) context.report({ node, message: `${wall} (ARCHITECTURE.md)` });
  };
  return {
    ImportDeclaration: visit,
    ExportNamedDeclaration: visit,
    ExportAllDeclaration: visit,
    ImportExpression: visit,
    TSImportType: visit,
  };
}

// oxlint asks for a default export.
export default { meta: { name: "tutti" }, rules: { walls: { create } } };

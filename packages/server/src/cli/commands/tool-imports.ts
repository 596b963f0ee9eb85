import { readFile } from "node:fs/promises";
import type { ToolImportEntry, ToolImportRequest } from "@tutti/client";
import type { Command } from "commander";
import { connect } from "../connect.ts";
import { UsageError, type Shell } from "../shell.ts";
import { table } from "../table.ts";

interface ImportOptions {
  readonly name?: string;
  readonly server?: string;
  readonly pick: readonly string[];
  readonly auth: readonly string[];
  readonly dryRun?: boolean;
  readonly outputCheck: boolean;
}

const gathered = (value: string, before: readonly string[]): readonly string[] => [...before, ...value.split(",")];

/** `tutti tools import|imports|remove` */
export function defineToolImports(command: Command, shell: Shell): void {
  command
    .command("import <source>")
    .description("make tools of an API's OpenAPI description: a file or a URL")
    .option("--name <name>", "what the API is called here; its tools are NAME_operation")
    .option("--pick <what>", "an operation's id, tag:NAME or path:/pets*; several with commas (default: all)", gathered, [])
    .option("--auth <scheme=secret>", "the secret (of toolSecrets) for a security scheme; scheme=user:secret for basic", gathered, [])
    .option("--server <url>", "the API's server, when the description does not say")
    .option("--no-output-check", "take answers that do not fit the description")
    .option("--dry-run", "show what would come of it")
    .addHelpText(
      "after",
      "\nExamples:\n  tutti tools import petstore.yaml --dry-run\n  tutti tools import https://api.example.com/openapi.json --name shop --pick listOrders,tag:pets --auth key=shop",
    )
    .action((source: string, options: ImportOptions) => importTools(shell, source, options));
  command
    .command("imports")
    .description("list the APIs whose operations are tools")
    .addHelpText("after", "\nExamples:\n  tutti tools imports")
    .action(() => list(shell));
  command
    .command("remove <name>")
    .description("take an API's tools away")
    .addHelpText("after", "\nExamples:\n  tutti tools remove shop")
    .action(async (name: string) => {
      await using connection = await connect(shell);
      await connection.client.removeToolImport(name, shell.signal);
      shell.printJson({ removed: name });
      shell.print(`The tools of ${name} are gone.`);
    });
}

async function importTools(shell: Shell, source: string, options: ImportOptions): Promise<void> {
  const request = await requestOf(source, options);
  await using connection = await connect(shell);
  const made = await connection.client.importTools(request, shell.signal);
  shell.printJson({ import: made });
  shell.printLine({ text: made.title, style: "bold" }, { text: ` at ${made.server}`, style: "dim" });
  if (made.tools.length > 0) shell.print(...table(["TOOL", "EFFECT", "DESCRIPTION"], made.tools.map(rowOf), shell.out));
  for (const { operation, reason } of made.skipped) shell.note(`left out: ${operation}: ${reason}`);
  for (const warning of made.warnings) shell.note(`warning: ${warning}`);
  const [first] = made.tools;
  if (options.dryRun === true) shell.note("Nothing was changed. Leave --dry-run out to import them.");
  else if (first !== undefined)
    shell.note(`They are off until they are allowed: TUTTI_TOOLS_ALLOW=${first.name}, or a rule in tool_policy.yaml.`);
}

async function requestOf(source: string, { name, server, pick, auth, dryRun, outputCheck }: ImportOptions): Promise<ToolImportRequest> {
  const isUrl = /^https?:\/\//.test(source);
  const tagged = (kind: string): readonly string[] =>
    pick.flatMap((one) => (one.startsWith(`${kind}:`) ? [one.slice(kind.length + 1)] : []));
  return {
    name: name ?? nameOf(source),
    ...(isUrl ? { url: source } : { document: await textOf(source) }),
    ...(server !== undefined && { server }),
    pick: { ids: pick.filter((one) => !/^(?:tag|path):/.test(one)), tags: tagged("tag"), paths: tagged("path") },
    auth: Object.fromEntries(auth.map(authOf)),
    isOutputChecked: outputCheck,
    isDryRun: dryRun === true,
  };
}

/** A short name from a file's or host's: "petstore" of petstore.yaml, "example" of api.example.com. */
function nameOf(source: string): string {
  const word =
    URL.canParse(source) && /^https?:/.test(source) ? new URL(source).hostname.split(".").at(-2) : source.split("/").at(-1)?.split(".")[0];
  const name = (word ?? "").toLowerCase().replaceAll(/[^a-z0-9_-]/g, "-");
  if (/^[a-z][a-z0-9_-]{0,29}$/.test(name)) return name;
  throw new UsageError("give the API a short name with --name, such as --name shop");
}

function authOf(text: string): readonly [string, { readonly secret: string; readonly user?: string }] {
  const [, scheme, user, secret] = /^([^=]+)=(?:([^:]*):)?([^:]+)$/.exec(text) ?? [];
  if (scheme === undefined || secret === undefined) throw new UsageError(`--auth must be scheme=secret or scheme=user:secret, got ${text}`);
  return [scheme, { secret, ...(user !== undefined && { user }) }];
}

async function textOf(path: string): Promise<string> {
  return readFile(path, "utf8").catch((error: unknown) => {
    throw new UsageError(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  });
}

async function list(shell: Shell): Promise<void> {
  await using connection = await connect(shell);
  const imports = await connection.client.toolImports(shell.signal);
  shell.printJson({ imports });
  if (imports.length === 0) return shell.print("No API is imported. Import one: tutti tools import FILE_OR_URL --dry-run");
  const rows = imports.map(({ name, server, tools }) => [{ text: name }, { text: String(tools.length) }, { text: server }]);
  shell.print(...table(["API", "TOOLS", "SERVER"], rows, shell.out));
}

function rowOf({ name, effect, description }: ToolImportEntry["tools"][number]): readonly { readonly text: string }[] {
  return [{ text: name }, { text: effect }, { text: description }];
}

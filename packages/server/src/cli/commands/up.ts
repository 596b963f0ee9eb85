import { once } from "node:events";
import type { Command } from "commander";
import { EXIT, type Shell } from "../shell.ts";
import { paint } from "../terminal.ts";
import { printable } from "../terminal-text.ts";

const EXAMPLES = `
Examples:
  tutti up
  tutti up --port 9000 --data-dir /var/lib/tutti
  tutti up --engine restate-local
  tutti up --engine restate --restate-url http://10.0.0.5:8080 --restate-admin-url http://10.0.0.5:9070 --store postgres
  TUTTI_MODEL_BASE_URL=http://127.0.0.1:11434/v1 TUTTI_MODEL=llama3.2 tutti up

Ctrl-C lets running steps finish; a second Ctrl-C ends at once. Runs go on at the next start.`;

/** `tutti up` */
export function defineUp(command: Command, shell: Shell): void {
  command
    .option("--host <address>", "the address to listen on")
    .option("--port <port>", "the port to listen on; 0 takes any that is free")
    .option("--engine <engine>", "what runs workflows: embedded, restate or restate-local")
    .option("--restate-url <urls>", "where Restate takes requests; several are separated by commas")
    .option("--restate-admin-url <urls>", "where Restate is administered")
    .option("--store <store>", "where runs are kept: sqlite or postgres")
    .addHelpText("after", EXAMPLES)
    .action((flags: UpFlags) => up(shell, flags));
}

interface UpFlags {
  readonly host?: string;
  readonly port?: string;
  readonly engine?: string;
  readonly store?: string;
  readonly restateUrl?: string;
  readonly restateAdminUrl?: string;
}

async function up(shell: Shell, { restateUrl, restateAdminUrl, ...flags }: UpFlags): Promise<void> {
  const { config, file, sources } = await shell.readConfig({
    ...flags,
    ...(restateUrl !== undefined && { restateUrls: restateUrl }),
    ...(restateAdminUrl !== undefined && { restateAdminUrls: restateAdminUrl }),
  });
  const [{ signInUrl, startApp, status }, { createLogger }] = await Promise.all([
    import("../../http/index.ts"),
    import("../../host/index.ts"),
  ]);
  const logger = createLogger({ logLevel: config.logLevel, logFormat: config.logFormat, destination: process.stderr });
  const running = await startApp(config, { logger, recover: "all", baseDir: process.cwd(), configFile: file, sources, isAnnounced: true });
  const { app, url } = running;
  const { newToken } = app;
  const consoleUrl = `${url}${config.publicPath}/admin/`;
  // A code is for a person who looks at this now; in a log it would only lie about.
  const invites = config.auth === "token" && (shell.isJson || shell.out.isTerminal);
  const signIn = invites ? signInUrl(app, { url, code: app.sessions.invite() }) : consoleUrl;
  shell.printJsonLine({
    url,
    pid: process.pid,
    dataDir: config.dataDir,
    signInUrl: signIn,
    ...(newToken !== undefined && { token: newToken }),
  });
  greet(shell, {
    url,
    console: invites ? `${signIn}  (signs in one browser within ten minutes; \`tutti open\` makes another)` : signIn,
    dataDir: config.dataDir,
    token: config.auth === "none" ? "none needed" : tokenAdvice(newToken),
    ...status(app),
  });
  if (!shell.signal.aborted) await once(shell.signal, "abort");
  logger.info({ graceMs: config.shutdownGraceMs }, "stopping: running steps may finish, a second signal ends at once");
  await running.stop(config.shutdownGraceMs);
  shell.exitCode = EXIT.ok;
}

interface Greeting {
  readonly url: string;
  readonly console: string;
  readonly dataDir: string;
  readonly token: string;
  readonly version: string;
  readonly on: readonly string[];
  readonly off: readonly { readonly name: string; readonly how: string }[];
}

/** What a person needs to know first. Lines are never cut: a token or path that is cut is worth nothing. */
function greet(shell: Shell, { url, console: page, dataDir, token, version, on, off }: Greeting): void {
  const row = (name: string, text: string): string => `  ${paint(name.padEnd(6), "dim", shell.out)} ${printable(text)}`;
  shell.print(
    `${paint(`Tutti ${version}`, "bold", shell.out)}  ${paint(url, "cyan", shell.out)}`,
    row("admin", page),
    row("docs", `${url}/docs`),
    row("data", dataDir),
    row("token", token),
    ...on.map((feature) => row("on", feature)),
    ...off.map(({ name, how }) => row("off", how === "" ? name : `${name} - ${how}`)),
    row("try", 'tutti chat holly "What is 12 * 7?"'),
    "",
  );
}

function tokenAdvice(newToken: string | undefined): string {
  if (newToken === undefined) return "as shown at the first start; TUTTI_TOKEN sets another";
  return `${newToken}  (shown this once: keep it; commands on this machine do not need it)`;
}

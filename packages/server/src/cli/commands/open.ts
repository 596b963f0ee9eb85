import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Command } from "commander";
import { connect } from "../connect.ts";
import { UsageError, type Shell } from "../shell.ts";
import { piece } from "../terminal.ts";

/** What opens a URL, by platform. */
const OPENERS: Partial<Record<NodeJS.Platform, readonly string[]>> = {
  darwin: ["open"],
  win32: ["cmd", "/c", "start", ""],
};

/** `tutti open` */
export function defineOpen(command: Command, shell: Shell): void {
  command
    .option("--browser", "open the page in the browser too")
    .addHelpText(
      "after",
      "\nExamples:\n  tutti open\n  tutti open --browser\n  tutti open --json | jq -r .signInUrl\n\nThe link signs in one browser, once, within ten minutes.",
    )
    .action((options: { readonly browser?: boolean }) => openConsole(shell, options.browser === true));
}

async function openConsole(shell: Shell, wantsBrowser: boolean): Promise<void> {
  await using connection = await connect(shell);
  if (!connection.isServer) throw new UsageError("wanted a running Tutti whose console to open, got none; start `tutti up` first");
  const { signInUrl } = await connection.client.invite(shell.signal);
  shell.printJson({ signInUrl });
  shell.print(signInUrl);
  shell.printLine(piece("signs in one browser, once, within ten minutes", "dim"));
  if (wantsBrowser) await openInBrowser(signInUrl);
}

async function openInBrowser(url: string): Promise<void> {
  const [program = "xdg-open", ...args] = OPENERS[process.platform] ?? ["xdg-open"];
  const child = spawn(program, [...args, url], { stdio: "ignore", detached: true });
  await once(child, "spawn").catch((error: unknown) => {
    throw new UsageError(`the browser cannot be opened with ${program}: ${error instanceof Error ? error.message : String(error)}`);
  });
  child.unref();
}

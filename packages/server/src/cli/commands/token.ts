import type { Command } from "commander";
import { connect } from "../connect.ts";
import { sign } from "../look.ts";
import type { Shell } from "../shell.ts";
import { piece } from "../terminal.ts";

/** `tutti token …` */
export function defineToken(command: Command, shell: Shell): void {
  command
    .command("rotate")
    .description("make a new token; the old one opens nothing any more")
    .option("--end-sessions", "sign out every browser too")
    .addHelpText(
      "after",
      "\nExamples:\n  tutti token rotate\n  tutti token rotate --end-sessions --json\n\nThe new token is shown this once. Commands on this machine go on without it.",
    )
    .action((options: { readonly endSessions?: boolean }) => rotate(shell, options.endSessions === true));
}

async function rotate(shell: Shell, endSessions: boolean): Promise<void> {
  await using connection = await connect(shell);
  const rotated = await connection.client.rotateToken({ endSessions }, shell.signal);
  shell.printJson(rotated);
  shell.printLine(piece(`${sign("done", shell.out)} `, "green"), piece("the old token is refused from now on"));
  shell.print(`  ${rotated.token}`, "  Shown this once: keep it.");
  if (endSessions) shell.print(`  Browsers signed out: ${rotated.sessionsEnded}.`);
}

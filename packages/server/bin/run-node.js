import { spawn } from "node:child_process";
import { findNode, nodeTooOld } from "./find-node.js";

/**
 * Runs Node 24 with these arguments in place of this process: same terminal, same signals, same end.
 * An ipc channel is open while this process lives, so the child sees 'disconnect' when this one is killed.
 * @param {readonly string[]} args
 */
export function runNode(args) {
  const node = findNode();
  if (node === undefined) {
    console.error(nodeTooOld());
    process.exit(1);
  }
  // Any process of the same user could open the debugger with SIGUSR1, and through it run code in here.
  const child = spawn(node.path, ["--disable-sigusr1", ...args], { stdio: ["inherit", "inherit", "inherit", "ipc"] });
  const forward = (signal) => {
    // A terminal sends Ctrl-C and its closing to the whole group, the child included; a second one would mean "now".
    if (signal !== "SIGTERM" && hasTerminal()) return;
    child.kill(signal);
  };
  for (const signal of forwarded) process.on(signal, forward);
  child.once("error", (error) => {
    console.error(`node_failed: could not start ${node.path}: ${error.message}`);
    process.exit(1);
  });
  child.once("exit", (code, signal) => {
    for (const name of forwarded) process.off(name, forward);
    if (signal === null) process.exit(code ?? 1);
    process.kill(process.pid, signal);
  });
}

const forwarded = ["SIGINT", "SIGTERM", "SIGHUP"];

function hasTerminal() {
  return process.stdin.isTTY === true || process.stdout.isTTY === true || process.stderr.isTTY === true;
}

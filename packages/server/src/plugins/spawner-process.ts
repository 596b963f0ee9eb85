import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { SpawnerReply, SpawnerRequest } from "./spawner.ts";

// A small process that starts the processes of plugins. Starting one copies the page tables of whoever does it, which holds up a large server
// for tens of milliseconds, and this one for few.
const children = new Map<number, ChildProcess>();

process.on("message", (request: SpawnerRequest) => {
  if (request.type === "kill") kill(children.get(request.id));
  // An error is told to nobody: without `chrt` the process goes on as it was.
  else if (request.type === "idle")
    spawn("/usr/bin/chrt", ["-a", "-i", "-p", "0", String(request.pid)], { stdio: "ignore" }).on("error", () => undefined);
  // It never rejects: whatever goes wrong is told.
  else void start(request);
});
// The kernel ends the plugins with this process.
process.on("disconnect", () => process.exit());
process.on("SIGINT", () => {});
process.on("SIGTERM", () => {});

async function start({ id, file, args, folder, socket, token }: Extract<SpawnerRequest, { readonly type: "spawn" }>): Promise<void> {
  const opened: Socket[] = [];
  try {
    for (const part of ["channel", "output"]) opened.push(await open(socket, `${token} ${id} ${part}\n`));
    const [channel, output] = opened;
    const child = spawn(file, args, { cwd: folder, env: { TZ: "UTC", LANG: "C.UTF-8" }, stdio: ["ignore", output, output, channel] });
    children.set(id, child);
    child.once("exit", (code, killedBy) => ended(id, killedBy ?? `exit ${String(code)}`));
    child.once("error", (error) => ended(id, error.message));
    if (child.pid !== undefined) tell({ type: "started", id, pid: child.pid });
  } catch (error) {
    ended(id, error instanceof Error ? error.message : String(error));
  } finally {
    // The plugin has its own copies, and nobody here reads them.
    for (const one of opened) one.destroy();
  }
}

/** With all of its group; `timeout` leads it, where there is one. */
function kill(child: ChildProcess | undefined): void {
  if (child?.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // It leads no group.
  }
  child.kill("SIGKILL");
}

async function open(path: string, head: string): Promise<Socket> {
  const socket = connect(path).pause();
  await once(socket, "connect");
  await new Promise<void>((resolve, reject) => socket.write(head, (error) => (error ? reject(error) : resolve())));
  return socket;
}

function ended(id: number, how: string): void {
  if (!children.delete(id)) return tell({ type: "failed", id, reason: how });
  tell({ type: "ended", id, how });
}

function tell(reply: SpawnerReply): void {
  // Without a listener on the other side nobody waits for it.
  if (process.connected) process.send?.(reply, () => undefined);
}

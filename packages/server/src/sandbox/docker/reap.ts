import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { z } from "zod";
import { OWNER_LABEL } from "./container.ts";
import type { Engine } from "./engine.ts";
import { removeContainer } from "./open-container.ts";

const CONTAINERS_MAX = 1_000;
const listedSchema = z.array(z.looseObject({ Id: z.string(), Labels: z.record(z.string(), z.string()) }));

/** This process, such that no later one is taken for it: a pid alone is used again. */
export function ownerName(): string {
  return `${hostname()}/${process.pid}/${startOf(process.pid) ?? ""}`;
}

/** Removes containers of processes of this machine that are gone. Tells how many. */
export async function reap(engine: Engine, signal: AbortSignal): Promise<number> {
  const query = { all: true, limit: CONTAINERS_MAX, filters: JSON.stringify({ label: [OWNER_LABEL] }) };
  const listed = listedSchema.parse(await engine.ask({ method: "GET", path: "/containers/json", query }, signal));
  const leaked = listed.filter(({ Labels: labels }) => isGone(labels[OWNER_LABEL] ?? ""));
  await Promise.all(leaked.map(({ Id: id }) => removeContainer(engine, id)));
  return leaked.length;
}

function isGone(owner: string): boolean {
  const [host, pid, start] = owner.split("/");
  // Of other machines that share an engine, and where there is no /proc, nothing is known.
  return host === hostname() && start !== "" && startOf(Number(pid)) !== start;
}

/** When a process began, in ticks (`proc_pid_stat(5)`, field 22). */
function startOf(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    return text.slice(text.lastIndexOf(")")).split(" ")[20];
  } catch {
    return process.platform === "linux" ? undefined : "";
  }
}

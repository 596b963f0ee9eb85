import { AppError, type Json, type Plugin, type Principal } from "@tutti/core";
import { declarePlugin, type Services } from "../services.ts";

/**
 * Makes the schedules and subscriptions that a plugin of the folder declares, and ends those that it declared before and does no more; none
 * are left of one that is gone. What is somebody else's is left to them (`conflict`). Runs that were started go on. `host` is who changes
 * what is there already: the plugin itself may steer no runs.
 */
export async function declareOnly(
  services: Pick<Services, "schedules" | "events">,
  plugin: Pick<Plugin, "name" | "schedules" | "subscriptions">,
  { principal, host }: { readonly principal: Principal; readonly host: Principal },
): Promise<void> {
  const { name, schedules = [], subscriptions = [] } = plugin;
  const books = { schedules: services.schedules, subscriptions: services.events.subscriptions };
  const owners = {
    schedules: await books.schedules.owners(),
    subscriptions: new Map((await books.subscriptions.list()).map((view) => [view.name, view.principalId])),
  };
  requireOwn("schedule", schedules, { owners: owners.schedules, principal });
  requireOwn("subscription", subscriptions, { owners: owners.subscriptions, principal });
  for (const gone of withoutPlace(schedules, { owners: owners.schedules, principal }))
    await books.schedules.delete(gone, `the plugin ${name} has it no more`, host);
  for (const gone of withoutPlace(subscriptions, { owners: owners.subscriptions, principal })) await books.subscriptions.remove(gone, host);
  for (const schedule of schedules) await books.schedules.declare(schedule, owners.schedules.has(nameOf(schedule)) ? host : principal);
  await declarePlugin(services, { name, subscriptions }, principal);
}

interface Owned {
  readonly owners: ReadonlyMap<string, string>;
  readonly principal: Principal;
}

function requireOwn(what: string, declared: readonly Json[], { owners, principal }: Owned): void {
  for (const name of declared.map(nameOf)) {
    const owner = owners.get(name);
    if (owner !== undefined && owner !== principal.id)
      throw new AppError("conflict", `wanted a name of its own for a ${what}, got "${name}", which ${owner} made; rename one of them`);
  }
}

function withoutPlace(declared: readonly Json[], { owners, principal }: Owned): readonly string[] {
  const names = new Set(declared.map(nameOf));
  return [...owners].filter(([name, owner]) => owner === principal.id && !names.has(name)).map(([name]) => name);
}

/** The manifest has been checked: each has a name. */
function nameOf(declared: Json): string {
  return (declared as { readonly name: string }).name;
}

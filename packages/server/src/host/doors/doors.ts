import { AppError, type Policy, type Principal } from "@tutti/core";
import { anyNamePattern, type NamePattern } from "../policy/index.ts";
import { toolWorkflow } from "../tool-workflow.ts";
import { JAIL_ROLE } from "../policies.ts";

/** What a jailed program may use through its door. Names may have stars. */
export interface DoorGrant {
  readonly models: readonly string[];
  readonly tools: readonly string[];
}

/** A unix socket on which one jailed program reaches Tutti, in a folder of its own. Whoever comes by it is that program. */
export interface Door extends AsyncDisposable {
  readonly socketPath: string;
}

/** Opens a door for a principal. The face that serves requests provides it. */
type OpenDoor = (principal: Principal) => Promise<Door>;

/** Doors for the programs in jails: who may have one, and what policy lets them do. */
export class Doors {
  readonly #grants = new Map<string, { readonly models: NamePattern; readonly tools: NamePattern }>();
  readonly #provided = Promise.withResolvers<OpenDoor>();

  /** What the grants say, as opinions like any other; without one the default holds, which is to refuse. */
  readonly policy: Policy = ({ kind, principal, resource }) => {
    const grant = principal.roles.includes(JAIL_ROLE) ? this.#grants.get(principal.id) : undefined;
    if (grant === undefined) return undefined;
    const allow = (reason: string) => ({ effect: "allow", reason, rule: "jail-door" }) as const;
    if (kind === "run.start" && resource === toolWorkflow.name) return allow("the run is one tool call, which is decided by itself");
    if (kind === "model.generate" && grant.models(resource)) return allow("the door of this jail names the model");
    return kind === "tool.call" && grant.tools(resource) ? allow("the door of this jail names the tool") : undefined;
  };

  /** Lets a program have a door; `name` says which one it is. */
  grant(name: string, { models, tools }: DoorGrant): void {
    this.#grants.set(principalOf(name).id, { models: anyNamePattern(models), tools: anyNamePattern(tools) });
  }

  revoke(name: string): void {
    this.#grants.delete(principalOf(name).id);
  }

  /** Called once, by the face that serves requests. */
  provide(open: OpenDoor): void {
    this.#provided.resolve(open);
  }

  /** Waits for the face: runs that go on at the start may need a door before it serves. */
  async open(name: string, signal: AbortSignal): Promise<Door> {
    const aborted = Promise.withResolvers<never>();
    const leave = (): void =>
      aborted.reject(
        new AppError("unsupported", "wanted a door for a jail, got a Tutti that serves no requests; start it with `tutti up`"),
      );
    if (signal.aborted) leave();
    signal.addEventListener("abort", leave, { once: true });
    try {
      return await (
        await Promise.race([this.#provided.promise, aborted.promise])
      )(principalOf(name));
    } finally {
      signal.removeEventListener("abort", leave);
    }
  }
}

/** Who comes through a door, whatever it says of itself. */
function principalOf(name: string): Principal {
  return { id: `jail:${name}`, tenant: "default", roles: [JAIL_ROLE] };
}

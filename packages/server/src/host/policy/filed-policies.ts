import type { Action, Decision } from "@tutti/core";
import type { Logger } from "../../telemetry/index.ts";
import type { Config } from "../config/index.ts";
import type { FiledPolicy } from "../policies-in-force.ts";
import type { Registry } from "../registry.ts";
import { policyOf, policyPlaces, PolicySource, type PolicyState } from "./policy-source.ts";
import { problemText, readPolicy, type PolicyReading, type PolicyText } from "./read-policy.ts";
import { Shadow, type ShadowCounts } from "./shadow.ts";
import type { ToolPolicy } from "./tool-policy.ts";

/** What policies from files work with. `baseDir` is where Tutti was started. */
export interface FiledPoliciesParts {
  readonly config: Config;
  readonly registry: Registry;
  readonly logger: Logger;
  readonly baseDir: string;
}

/** The policy from files, kept in force as the files change. */
export class FiledPolicies implements AsyncDisposable {
  readonly #parts: FiledPoliciesParts;
  readonly #source: PolicySource;
  readonly #shadowSource: PolicySource | undefined;
  #shadow: Shadow | undefined;

  constructor(parts: FiledPoliciesParts) {
    const { config, registry, baseDir } = parts;
    this.#parts = parts;
    const { toolPolicyPath, shadowPolicyPath, dataDir } = config;
    const tools = (): readonly string[] => registry.tools.map(({ name }) => name);
    this.#source = new PolicySource({
      paths: toolPolicyPath === undefined ? policyPlaces(baseDir, dataDir) : [toolPolicyPath],
      isRequired: toolPolicyPath !== undefined,
      tools,
      onChange: (state) => this.#apply(state),
    });
    if (shadowPolicyPath !== undefined)
      this.#shadowSource = new PolicySource({
        paths: [shadowPolicyPath],
        isRequired: true,
        tools,
        onChange: (state) => this.#applyShadow(state),
      });
  }

  get state(): PolicyState {
    return this.#source.state;
  }

  /** The policy that decides beside the one in force without acting, how it stands and where it differed. */
  get shadow(): { readonly state: PolicyState; readonly counts: ShadowCounts | undefined } | undefined {
    return this.#shadowSource === undefined ? undefined : { state: this.#shadowSource.state, counts: this.#shadow?.counts };
  }

  /** The rules that decide now; `undefined` when there are none. */
  get inForce(): ToolPolicy | undefined {
    return policyOf(this.state);
  }

  /** Resolves with the state that comes after this one. */
  nextState(): Promise<PolicyState> {
    return this.#source.nextState();
  }

  /** Puts the files in force and follows them. */
  async open(): Promise<void> {
    await this.reload();
    this.#source.follow();
    this.#shadowSource?.follow();
  }

  /** Reads the files again now. */
  async reload(): Promise<PolicyState> {
    await this.#shadowSource?.reload();
    return this.#source.reload();
  }

  /** Reads a policy as if it were put in force, and puts it nowhere. */
  check(texts: readonly PolicyText[]): PolicyReading {
    return readPolicy(
      texts,
      this.#parts.registry.tools.map(({ name }) => name),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#source[Symbol.asyncDispose]();
    await this.#shadowSource?.[Symbol.asyncDispose]();
  }

  #applyShadow(state: PolicyState): void {
    const { registry, logger } = this.#parts;
    if (state.status === "broken")
      logger.error({ component: "policy", path: state.path, problems: state.problems.map(problemText) }, "the shadow policy is not right");
    const policy = policyOf(state);
    if (policy === this.#shadow?.policy) return;
    this.#shadow = policy === undefined ? undefined : new Shadow(policy, registry.policies);
    registry.policies.watch(this.#shadow);
  }

  #apply(state: PolicyState): void {
    const { registry, logger } = this.#parts;
    switch (state.status) {
      case "none":
        return registry.policies.file(undefined);
      case "in-force":
        registry.policies.file(state.policy);
        for (const warning of state.warnings)
          logger.warn({ component: "policy", problem: problemText(warning) }, "the tool policy looks odd");
        logger.info(
          { component: "policy", path: state.path, rules: state.policy.rules.length, hash: state.policy.hash },
          "the tool policy is in force",
        );
        return;
      case "broken": {
        registry.policies.file(state.kept ?? CLOSED);
        const what = state.kept === undefined ? "what needs a policy is denied until it is right" : "the one before it stays in force";
        logger.error(
          { component: "policy", path: state.path, problems: state.problems.map(problemText) },
          `the tool policy is not right; ${what}`,
        );
      }
    }
  }
}

/** Where nobody knows what the rules would say, only looking and stopping are left. */
const CLOSED: FiledPolicy = {
  hash: "invalid",
  speaksOf: () => false,
  kindly: [],
  decide: ({ kind }: Action): Decision | undefined =>
    kind === "admin" || kind === "run.control"
      ? undefined
      : {
          effect: "deny",
          rule: "policy-invalid",
          reason: "the tool policy is not right, so nothing is allowed; `tutti policy check` says why",
        },
};

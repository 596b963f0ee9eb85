import { join } from "node:path";
import type { Action, Decision } from "@tutti/core";
import type { Logger } from "../../telemetry/index.ts";
import type { Config } from "../config/index.ts";
import type { FiledPolicy } from "../policies-in-force.ts";
import type { Registry } from "../registry.ts";
import { PolicySource, type PolicyState } from "./policy-source.ts";
import { problemText } from "./read-policy.ts";

const FILE = "tool_policy.yaml";

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

  constructor(parts: FiledPoliciesParts) {
    const { config, registry, baseDir } = parts;
    this.#parts = parts;
    const { toolPolicyPath, dataDir } = config;
    this.#source = new PolicySource({
      paths: toolPolicyPath === undefined ? [join(baseDir, FILE), join(dataDir, FILE)] : [toolPolicyPath],
      isRequired: toolPolicyPath !== undefined,
      tools: () => registry.tools.map(({ name }) => name),
      onChange: (state) => this.#apply(state),
    });
  }

  get state(): PolicyState {
    return this.#source.state;
  }

  /** Puts the files in force and follows them. */
  async open(): Promise<void> {
    await this.reload();
    this.#source.follow();
  }

  /** Reads the files again now. */
  reload(): Promise<PolicyState> {
    return this.#source.reload();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#source[Symbol.asyncDispose]();
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
  decide: ({ kind }: Action): Decision | undefined =>
    kind === "admin" || kind === "run.control"
      ? undefined
      : {
          effect: "deny",
          rule: "policy-invalid",
          reason: "the tool policy is not right, so nothing is allowed; `tutti policy check` says why",
        },
};

import { AppError } from "@tutti/core";
import { PERSONAL_SHAPES, SECRET_SHAPES } from "@tutti/core/shapes";
import { shapeFinder, type Finder } from "./finder.ts";
import type { GuardConfig } from "./guard-config.ts";
import { schemaCheck, type SchemaCheck } from "./schema-check.ts";
import { topicFinders } from "./topics.ts";

/** A guard that is ready to look at texts. */
export type Guard =
  | {
      readonly type: "spans";
      readonly config: GuardConfig;
      readonly finders: readonly Finder[];
      readonly restores: boolean;
      readonly names: boolean;
    }
  | { readonly type: "allow"; readonly config: GuardConfig; readonly finders: readonly Finder[] }
  | { readonly type: "length"; readonly config: Extract<GuardConfig, { check: "length" }> }
  | { readonly type: "schema"; readonly config: Extract<GuardConfig, { check: "schema" }>; readonly check: SchemaCheck | undefined }
  | { readonly type: "injection"; readonly config: Extract<GuardConfig, { check: "injection" }> };

/** Makes a guard ready. Throws `invalid_config` with what does not go together. */
export function readyGuards(config: GuardConfig): readonly Guard[] {
  switch (config.check) {
    case "secrets":
    case "personal-data": {
      const shapes = config.check === "secrets" ? SECRET_SHAPES : PERSONAL_SHAPES;
      const names = shapes.map(({ name }) => name);
      const unknown = config.kinds?.find((kind) => !names.includes(kind));
      if (unknown !== undefined) throw misfit(config, `kinds of ${names.join(", ")}`, unknown);
      const finders = shapes.filter(({ name }) => config.kinds?.includes(name) ?? true).map(shapeFinder);
      return [{ type: "spans", config, finders, restores: config.restore === true, names: true }];
    }
    case "topics":
      return topicGuards(config);
    case "length":
      if (config.action === "redact" && config.where.includes("input"))
        throw misfit(config, "block or annotate for the length of what comes in", "redact");
      return [{ type: "length", config }];
    case "schema":
      if (config.where.some((place) => place !== "output")) throw misfit(config, "where: [output] for a schema", config.where.join(", "));
      return [{ type: "schema", config, check: config.schema === undefined ? undefined : readySchema(config) }];
    case "injection":
      if (config.where.includes("output")) throw misfit(config, "input or tool-result for injection", "output");
      return [{ type: "injection", config }];
  }
}

function topicGuards(config: Extract<GuardConfig, { check: "topics" }>): readonly Guard[] {
  const { deny, allow, where, id } = config;
  if (deny === undefined && allow === undefined) throw misfit(config, "deny or allow", "neither");
  if (allow !== undefined && (where.includes("output") || config.action === "redact"))
    throw misfit(config, "allow with where: [input] and block or annotate", `${where.join(", ")} and ${config.action}`);
  const isStreamed = where.includes("output");
  return [
    ...(deny === undefined
      ? []
      : [{ type: "spans", config, finders: topicFinders(deny, id, isStreamed), restores: false, names: false } as const]),
    ...(allow === undefined ? [] : [{ type: "allow", config, finders: topicFinders(allow, id, false) } as const]),
  ];
}

function readySchema(config: Extract<GuardConfig, { check: "schema" }>): SchemaCheck {
  try {
    return schemaCheck(config.schema);
  } catch (error) {
    throw misfit(config, "a JSON Schema that can be checked", error instanceof Error ? error.message : String(error));
  }
}

function misfit({ id }: GuardConfig, wanted: string, got: string): AppError {
  return new AppError("invalid_config", `wanted ${wanted} in the guardrail ${id}, got ${got}`);
}

import { randomBytes } from "node:crypto";
import type { ModelPart, ModelRequest } from "@tutti/core/model";
import { fitsAny } from "../name-pattern.ts";
import { Findings } from "./findings.ts";
import type { GuardConfig, GuardFinding, GuardPlace } from "./guard-config.ts";
import { readyGuards, type Guard } from "./guard.ts";
import { guardInput } from "./guarded-input.ts";
import { guardOutput } from "./guarded-output.ts";
import { guardSchema, type AskAgain } from "./guarded-schema.ts";
import { Placeholders } from "./placeholders.ts";
import { schemaCheck, type SchemaCheck } from "./schema-check.ts";
import { chain, lengthFilter, spanFilter, type TextFilter } from "./text-filter.ts";

/** A call, as far as it decides which guards look at it. */
export interface GuardedCall {
  readonly model: string;
  readonly tenant: string;
  readonly tags: readonly string[];
}

/** The guards of one call. Ask `input` first, then hand the answer through `output`. */
export interface GuardSession {
  /** The request as the guards let it through. Throws `denied` when one of them blocks. */
  input(request: ModelRequest): { readonly request: ModelRequest; readonly isChanged: boolean; readonly findings: readonly GuardFinding[] };
  /** The answer as the guards let it through, as it comes. Throws `denied` in the middle when one of them blocks. */
  output(parts: AsyncIterable<ModelPart>, askAgain?: AskAgain): AsyncIterable<ModelPart>;
  /** What was found so far. */
  readonly findings: readonly GuardFinding[];
  /** Whether one of them looks at requests: then nothing may reach a model that `input` has not seen. */
  readonly looksAtInput: boolean;
  /** Whether `output` has anything to look at. */
  readonly changesOutput: boolean;
  /** Which guards these are: an answer that they let through is not one that others would. */
  readonly scope: string;
}

/** Rules on what goes in and out of models: docs/guardrails.md. */
export class Guardrails {
  readonly #guards: readonly Guard[];
  readonly #key: Buffer;

  /** Throws `invalid_config` for rules that do not go together. `key` makes names of what is taken out; processes that share it share the names. */
  constructor(config: readonly GuardConfig[], key: Buffer = randomBytes(32)) {
    this.#guards = config.flatMap(readyGuards);
    this.#key = key;
  }

  /** The guards that apply to a call; `undefined` when none does. */
  session(call: GuardedCall): GuardSession | undefined {
    if (this.#guards.length === 0) return undefined;
    const guards = this.#guards.filter(({ config }) => applies(config, call));
    return guards.length === 0 ? undefined : new Session(guards, call, this.#key);
  }
}

function applies({ models, tenants, tags }: GuardConfig, call: GuardedCall): boolean {
  return (
    fitsAny(models, call.model) && fitsAny(tenants, call.tenant) && (tags === undefined || tags.some((tag) => call.tags.includes(tag)))
  );
}

type SpanGuard = Extract<Guard, { type: "spans" }>;

class Session implements GuardSession {
  readonly looksAtInput: boolean;
  readonly changesOutput: boolean;
  readonly scope: string;
  readonly #guards: readonly Guard[];
  readonly #call: GuardedCall;
  readonly #key: Buffer;
  readonly #findings = new Findings();
  readonly #placeholders: Placeholders;
  /** What the model is asked to make the answer fit, where it is. */
  #asked: SchemaCheck | undefined;

  constructor(guards: readonly Guard[], call: GuardedCall, key: Buffer) {
    this.#guards = guards;
    this.#call = call;
    this.#key = key;
    this.#placeholders = new Placeholders(key, call.tenant);
    this.scope = guards.map(({ config }) => config.id).join(" ");
    this.looksAtInput = guards.some(({ config }) => config.where.some((place) => place !== "output"));
    this.changesOutput = guards.some((guard) => guard.config.where.includes("output") || (guard.type === "spans" && guard.restores));
  }

  get findings(): readonly GuardFinding[] {
    return this.#findings.all();
  }

  input(request: ModelRequest): ReturnType<GuardSession["input"]> {
    const watch = {
      model: this.#call.model,
      key: this.#key,
      findings: this.#findings,
      filter: (guard: SpanGuard, where: GuardPlace) => this.#filter(guard, where, () => undefined),
    };
    const guarded = this.#guards.reduce((current, guard) => guardInput(current, guard, watch), request);
    this.#asked = this.#guards.some((guard) => guard.type === "schema" && guard.check === undefined) ? askedOf(guarded) : undefined;
    return { request: guarded, isChanged: guarded !== request, findings: this.findings };
  }

  output(parts: AsyncIterable<ModelPart>, askAgain?: AskAgain): AsyncIterable<ModelPart> {
    const guards = this.#guards.filter(({ config }) => config.where.includes("output"));
    const checked = guards.reduce((source, guard) => (guard.type === "schema" ? this.#checked(source, guard, askAgain) : source), parts);
    const spans = guards.filter((guard) => guard.type === "spans");
    const lengths = guards.filter((guard) => guard.type === "length");
    const isRestored = !this.#placeholders.isEmpty;
    if (spans.length === 0 && lengths.length === 0 && !isRestored) return checked;
    let isCut = false;
    const filter = (changed: () => void): TextFilter[] => spans.map((guard) => this.#filter(guard, "output", changed));
    const restore = (changed: () => void): TextFilter[] => (isRestored ? [this.#restored(changed)] : []);
    const cut = lengths.flatMap((guard) => this.#cut(guard, () => (isCut = true)));
    return guardOutput(checked, {
      text: (changed) => chain([...filter(changed), ...restore(changed), ...cut]),
      // Thoughts go back to their provider as it signed them, so nothing is put back into them.
      thoughts: (changed) => chain(filter(changed)),
      calls: spans.length === 0 && !isRestored ? undefined : () => chain([...filter(() => undefined), ...restore(() => undefined)]),
      isCut: () => isCut,
    });
  }

  #filter({ config, finders, restores, names }: SpanGuard, where: GuardPlace, changed: () => void): TextFilter {
    const { id: guard, action } = config;
    return spanFilter(finders, (found, what) => {
      this.#findings.add({ guard, where, what, action });
      if (action !== "redact") return found;
      changed();
      const name = names ? this.#placeholders.nameOf(what, found) : "[removed]";
      if (restores && where !== "output") this.#placeholders.remember(name, found);
      return name;
    });
  }

  #restored(changed: () => void): TextFilter {
    return spanFilter([this.#placeholders.finder()], (name) => {
      changed();
      return this.#placeholders.valueOf(name);
    });
  }

  #cut({ config }: Extract<Guard, { type: "length" }>, cut: () => void): readonly TextFilter[] {
    if (config.charactersMax === undefined) return [];
    const reached = (): void => {
      this.#findings.add({ guard: config.id, where: "output", what: "more text than allowed", action: config.action });
      cut();
    };
    if (config.action !== "annotate") return [lengthFilter(config.charactersMax, reached)];
    const watched = lengthFilter(config.charactersMax, () => {
      this.#findings.add({ guard: config.id, where: "output", what: "more text than allowed", action: "annotate" });
    });
    return [{ push: (text) => (watched.push(text), text), finish: () => (watched.finish(), "") }];
  }

  #checked(
    parts: AsyncIterable<ModelPart>,
    guard: Extract<Guard, { type: "schema" }>,
    askAgain: AskAgain | undefined,
  ): AsyncIterable<ModelPart> {
    const check = guard.check ?? this.#asked;
    if (check === undefined) return parts;
    const { id, action, repairsMax = 0 } = guard.config;
    return guardSchema(parts, {
      check,
      repairsMax,
      askAgain,
      found: (what, isLast) =>
        this.#findings.add({ guard: id, where: "output", what, action: action === "block" && !isLast ? "annotate" : action }),
    });
  }
}

/** A check for what a request asks for. What cannot be checked is not: the provider was asked for it all the same. */
function askedOf({ format }: ModelRequest): SchemaCheck | undefined {
  if (format === undefined) return undefined;
  try {
    return schemaCheck(format.type === "schema" ? format.schema : { type: "object" });
  } catch {
    return schemaCheck(undefined);
  }
}

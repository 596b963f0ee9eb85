import { setTimeout as sleep } from "node:timers/promises";
import { AppError, type Model } from "@tutti/core";
import type { ModelPart, ModelRequest } from "@tutti/core/model";
import type { Ability } from "./provider-kind.ts";
import { adaptRequest, type Router, type Target } from "./routing/index.ts";
import { countRequest } from "./tokens/index.ts";

/** A model as agents and workflows ask it: routed, tried again and elsewhere until the first part has come. */
export function routedModel(id: string, router: Router): Model {
  return { id, generate: (request, signal) => generate({ id, router, request }, signal) };
}

interface Asked {
  readonly id: string;
  readonly router: Router;
  readonly request: ModelRequest;
}

async function* generate({ id, router, request }: Asked, signal: AbortSignal): AsyncGenerator<ModelPart, void, undefined> {
  const plan = router.plan({
    model: id,
    surface: "chat/completions",
    needs: needsOf(request),
    promptTokens: () => countRequest(id, request).tokens,
    lastUserText: () => request.messages.findLast(({ role }) => role === "user")?.content ?? "",
    ...(request.outputTokensMax !== undefined && { outputTokensMax: request.outputTokensMax }),
  });
  for (let attempt = 1; ; attempt += 1) {
    const target = plan.candidates[(attempt - 1) % plan.candidates.length]?.target;
    if (target === undefined) throw new AppError("internal", "wanted a plan with a target, got one without");
    const tried = new Tried(router, target);
    try {
      yield* tried.parts(request, signal);
      return;
    } catch (thrown) {
      const error = AppError.from(thrown);
      const pauseMs = tried.hasBegun || signal.aborted ? undefined : router.pauseBeforeMs(plan, attempt, error);
      if (pauseMs === undefined) throw error;
      if (pauseMs > 0) await sleep(pauseMs, undefined, { signal });
    }
  }
}

/** One try at one target, as the router hears of it. */
class Tried {
  readonly #router: Router;
  readonly #target: Target;
  hasBegun = false;

  constructor(router: Router, target: Target) {
    this.#router = router;
    this.#target = target;
  }

  async *parts(request: ModelRequest, signal: AbortSignal): AsyncGenerator<ModelPart, void, undefined> {
    const { place, adapt } = this.#target;
    const watch = this.#router.begin(this.#target);
    let end: Parameters<typeof watch.end>[0] = { outcome: "unknown" };
    try {
      const parts = place.open.generate?.(place.name, adapt === undefined ? request : adaptRequest(request, adapt), signal);
      if (parts === undefined) throw new AppError("unsupported", `wanted a model that can chat, got "${this.#target.id}"`);
      for await (const part of parts) {
        if (!this.hasBegun) watch.firstByte();
        this.hasBegun = true;
        if (part.type === "finish") end = { outcome: "answered", usage: part.usage };
        yield part;
      }
    } catch (thrown) {
      end = callEnd(AppError.from(thrown), signal);
      throw thrown;
    } finally {
      watch.end(end);
    }
  }
}

/** How a failed call looks to the router: what the client did, or asked for, says nothing about the target. */
export function callEnd(
  error: AppError,
  signal: AbortSignal | undefined,
): { readonly outcome: "failed" | "unknown"; readonly retryAfterMs?: number } {
  if (signal?.aborted === true || !FAILURES.has(error.code)) return { outcome: "unknown" };
  const { cause } = error;
  const found = typeof cause === "object" && cause !== null && "retryAfterMs" in cause ? cause.retryAfterMs : undefined;
  return { outcome: "failed", ...(typeof found === "number" && { retryAfterMs: found }) };
}

const FAILURES: ReadonlySet<string> = new Set(["upstream", "timeout", "rate_limited", "overloaded"]);

function needsOf({ tools, format, messages }: ModelRequest): readonly Ability[] {
  const holds = (type: string): boolean => messages.some(({ parts }) => parts?.some((part) => part.type === type) === true);
  return [
    "chat",
    ...((tools?.length ?? 0) > 0 ? (["tools"] as const) : []),
    ...(format === undefined ? [] : (["json"] as const)),
    ...(holds("image") ? (["vision"] as const) : []),
    ...(holds("audio") ? (["audio-in"] as const) : []),
  ];
}

import type { ModelPart } from "@tutti/core/model";
import type { ProviderBehaviour } from "./conformance.ts";

/** What a stand-in for a server that speaks OpenAI's protocol has to send. */
export type PlayedAsChat =
  | { readonly type: "error"; readonly status: number; readonly message: string; readonly headers: Readonly<Record<string, string>> }
  | {
      readonly type: "raw";
      readonly status: 200;
      readonly headers: Readonly<Record<string, string>>;
      readonly chunks: readonly string[];
      readonly ending: "end" | "silence" | "reset";
    };

/** A behaviour of the conformance suite in OpenAI's chat format, written by hand: the codec's own mistakes cannot hide in its encoder. */
export function playAsChat(behaviour: ProviderBehaviour): PlayedAsChat {
  if (behaviour.type === "refuses") {
    const headers: PlayedAsChat["headers"] = behaviour.retryAfterS === undefined ? {} : { "retry-after": String(behaviour.retryAfterS) };
    return { type: "error", status: behaviour.status, message: behaviour.message, headers };
  }
  let calls = 0;
  const chunks = behaviour.parts.flatMap((part) => {
    if (part.type === "call") calls += 1;
    return chunksOf(part, calls - 1);
  });
  const ending = { answers: "end", "breaks off": "reset", "falls silent": "silence" } as const;
  return { type: "raw", status: 200, headers: { "content-type": "text/event-stream" }, chunks, ending: ending[behaviour.type] };
}

function chunksOf(part: ModelPart, index: number): readonly string[] {
  switch (part.type) {
    case "text":
      return [delta({ content: part.text })];
    case "refusal":
      return [delta({ refusal: part.text })];
    case "reasoning":
      return [delta({ reasoning_content: part.text })];
    case "citation": {
      const { url, title, start, end } = part.citation;
      return [delta({ annotations: [{ type: "url_citation", url_citation: { url, title, start_index: start, end_index: end } }] })];
    }
    case "call": {
      const { id, name, input } = part.call;
      const text = JSON.stringify(input);
      const middle = Math.floor(text.length / 2);
      return [
        delta({ tool_calls: [{ index, id, type: "function", function: { name, arguments: "" } }] }),
        delta({ tool_calls: [{ index, function: { arguments: text.slice(0, middle) } }] }),
        delta({ tool_calls: [{ index, function: { arguments: text.slice(middle) } }] }),
      ];
    }
    case "finish":
      return [delta({}, part.reason), chunk([], usageOf(part)), "data: [DONE]\n\n"];
    case "audio":
    case "image":
    case "call.delta":
      throw new Error(`wanted a part that the suite plays, got "${part.type}"`);
  }
}

function usageOf({ usage }: Extract<ModelPart, { type: "finish" }>): object {
  return {
    prompt_tokens: usage.inputTokens,
    completion_tokens: usage.outputTokens,
    total_tokens: usage.inputTokens + usage.outputTokens,
    prompt_tokens_details: { cached_tokens: usage.cacheReadTokens ?? 0 },
    completion_tokens_details: { reasoning_tokens: usage.reasoningTokens ?? 0 },
  };
}

function delta(fields: object, reason: string | null = null): string {
  return chunk([{ index: 0, delta: fields, finish_reason: reason }]);
}

function chunk(choices: unknown, usage?: object): string {
  return `data: ${JSON.stringify({ id: "x", object: "chat.completion.chunk", choices, usage })}\n\n`;
}

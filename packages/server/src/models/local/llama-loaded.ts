import type {
  LLamaChatGenerateResponseOptions,
  Llama,
  LlamaChat,
  LlamaContext,
  LlamaEmbeddingContext,
  LlamaGrammar,
  LlamaModel,
} from "node-llama-cpp";
import type * as Llamas from "node-llama-cpp";
import { AppError, type Json } from "@tutti/core";
import type { FinishReason, ModelPart, Usage } from "@tutti/core/model";
import type { LlamaSettings } from "./llama-messages.ts";
import type { LlamaAsk } from "./llama-request.ts";

type Library = typeof Llamas;
type Tell = (part: ModelPart) => void;
type Response = Awaited<ReturnType<LlamaChat["generateResponse"]>>;

/** What llama.cpp's own programs sample with. The library's default would always take the likeliest token. */
const SAMPLING = { temperature: 0.8, topK: 40, topP: 0.95, minP: 0.05 };
/** Room for what the library adds to a prompt by itself. */
const SPARE_TOKENS = 4;
const SEED_MAX = 2 ** 32;

/** What a model writes that must call a tool, or may only call one or answer as told. */
type Choice = { readonly call: string; readonly arguments: Json } | { readonly answer: Json };

/** A place in the model's context: one conversation at a time, whose beginning the next one may share. */
interface Slot {
  readonly chat: LlamaChat;
  history: readonly string[];
  isBusy: boolean;
}

/** A model in memory. */
export class LoadedLlama {
  readonly #library: Library;
  readonly #llama: Llama;
  readonly #model: LlamaModel;
  readonly #settings: LlamaSettings;
  readonly #slots: Slot[] = [];
  #context: Promise<LlamaContext> | undefined;
  #embeddingContext: Promise<LlamaEmbeddingContext> | undefined;

  private constructor(loaded: { readonly library: Library; readonly llama: Llama; readonly model: LlamaModel }, settings: LlamaSettings) {
    this.#library = loaded.library;
    this.#llama = loaded.llama;
    this.#model = loaded.model;
    this.#settings = settings;
  }

  static async load(settings: LlamaSettings, log: (message: string) => void): Promise<LoadedLlama> {
    const library = await import("node-llama-cpp");
    // Never built here: that would need a compiler and minutes, and surprise whoever asked a model something.
    const llama = await library.getLlama({
      gpu: settings.gpu,
      build: "never",
      skipDownload: true,
      progressLogs: false,
      logLevel: library.LlamaLogLevel.warn,
      logger: (_, message) => log(message.trim()),
    });
    return new LoadedLlama({ library, llama, model: await llama.loadModel({ modelPath: settings.file }) }, settings);
  }

  async generate(ask: LlamaAsk, tell: Tell, signal: AbortSignal): Promise<void> {
    const slot = await this.#take(ask);
    try {
      const usage = await this.#answer(slot, { ask, tell }, signal);
      tell(usage);
    } finally {
      slot.isBusy = false;
    }
  }

  async embed(
    texts: readonly string[],
    signal: AbortSignal,
  ): Promise<{ readonly vectors: readonly Float32Array[]; readonly tokens: number }> {
    this.#embeddingContext ??= this.#model.createEmbeddingContext({
      contextSize: { max: this.#settings.contextTokens },
      threads: this.#settings.threads,
    });
    const context = await this.#embeddingContext;
    const tokensMax = Math.min(this.#settings.contextTokens, this.#model.trainContextSize);
    const lengths = texts.map((text) => context.calculateInputLength(text));
    const tooLong = lengths.findIndex((tokens) => tokens >= tokensMax);
    if (tooLong >= 0)
      throw new AppError(
        "invalid_input",
        `wanted texts of less than ${tokensMax} tokens, got ${lengths[tooLong]} (the ${tooLong + 1}. of ${texts.length}); cut it`,
      );
    const vectors: Float32Array[] = [];
    for (const text of texts) {
      signal.throwIfAborted();
      vectors.push(ofLengthOne((await context.getEmbeddingFor(text)).vector));
    }
    return { vectors, tokens: lengths.reduce((sum, tokens) => sum + tokens, 0) };
  }

  async #answer(slot: Slot, { ask, tell }: { readonly ask: LlamaAsk; readonly tell: Tell }, signal: AbortSignal): Promise<ModelPart> {
    const { chat } = slot;
    const promptTokens = this.#promptTokens(chat, ask);
    const before = chat.sequence.tokenMeter.getState();
    const response = await chat.generateResponse([...ask.history], {
      ...(await this.#optionsOf(ask, promptTokens)),
      onResponseChunk: (chunk) => {
        if (chunk.text === "" || ask.outcome === "choice") return;
        if (chunk.type === undefined) tell({ type: "text", text: chunk.text });
        else if (ask.showsThoughts) tell({ type: "reasoning", text: chunk.text });
      },
      signal,
    });
    const { usedInputTokens, usedOutputTokens } = chat.sequence.tokenMeter.diff(before);
    // The prompt's last token is read together with the first one written, and counted nowhere.
    const cached = promptTokens - 1 - usedInputTokens;
    const usage: Usage = { inputTokens: promptTokens, outputTokens: usedOutputTokens, ...(cached > 0 && { cacheReadTokens: cached }) };
    const isCut = response.metadata.stopReason === "maxTokens";
    const called = ask.outcome === "choice" ? tellChoice(response.response, isCut, tell) : tellCalls(response, tell);
    const reason: FinishReason = called ? "tool_calls" : isCut ? "length" : "stop";
    return { type: "finish", reason, usage, ...stopSequenceOf(response) };
  }

  async #optionsOf(ask: LlamaAsk, promptTokens: number): Promise<LLamaChatGenerateResponseOptions> {
    const { sampling, grammar, functions } = ask;
    const { presencePenalty: presence = 0, frequencyPenalty: frequency = 0 } = sampling;
    const room = (await this.#contextSize()) - promptTokens - SPARE_TOKENS;
    const options = {
      ...SAMPLING,
      temperature: sampling.temperature ?? SAMPLING.temperature,
      topP: sampling.topP ?? SAMPLING.topP,
      topK: sampling.topK ?? SAMPLING.topK,
      seed: sampling.seed === undefined ? Math.floor(Math.random() * SEED_MAX) : Math.abs(Math.trunc(sampling.seed)) % SEED_MAX,
      maxTokens: Math.min(ask.outputTokensMax ?? room, room),
      repeatPenalty:
        presence === 0 && frequency === 0 ? (false as const) : { penalty: 1, presencePenalty: presence, frequencyPenalty: frequency },
      customStopTriggers: sampling.stop ?? [],
      ...(ask.thoughtTokensMax !== undefined && { budgets: { thoughtTokens: ask.thoughtTokensMax } }),
    };
    if (grammar !== undefined) return { ...options, grammar: await this.#grammarOf(grammar) };
    if (functions === undefined) return options;
    return {
      ...options,
      functions,
      documentFunctionParams: true,
      ...(ask.callsMax !== undefined && { maxParallelFunctionCalls: ask.callsMax }),
    };
  }

  async #grammarOf(grammar: NonNullable<LlamaAsk["grammar"]>): Promise<LlamaGrammar> {
    if (grammar.type === "json") return this.#llama.getGrammarFor("json");
    try {
      return await this.#llama.createGrammarForJsonSchema(grammar.schema);
    } catch (error) {
      throw new AppError("unsupported", `wanted a schema that a grammar can hold, got one that it cannot: ${String(error)}; simplify it`, {
        cause: error,
      });
    }
  }

  /** The library would forget the oldest turns of a conversation that is too long; whoever asks has to know of it. */
  #promptTokens(chat: LlamaChat, { history, functions }: LlamaAsk): number {
    const isOpen = history.at(-1)?.type === "model";
    const chatHistory = isOpen ? [...history] : [...history, { type: "model" as const, response: [] }];
    const { contextText } = chat.chatWrapper.generateContextState({
      chatHistory,
      ...(functions && { availableFunctions: functions }),
      documentFunctionParams: true,
    });
    const tokens = contextText.tokenize(this.#model.tokenizer).length;
    const tokensMax = chat.context.contextSize - SPARE_TOKENS;
    if (tokens < tokensMax) return tokens;
    throw new AppError(
      "invalid_input",
      `wanted a request of less than ${tokensMax} tokens, got ${tokens}; shorten it, or raise the provider's contextTokens`,
    );
  }

  async #contextSize(): Promise<number> {
    return (await this.#openContext()).contextSize;
  }

  #openContext(): Promise<LlamaContext> {
    const { contextTokens, parallel, threads } = this.#settings;
    this.#context ??= this.#model.createContext({ contextSize: { max: contextTokens }, sequences: parallel, threads });
    return this.#context;
  }

  /** The free place whose conversation begins most like this one: what they share need not be read again. */
  async #take(ask: LlamaAsk): Promise<Slot> {
    const history = ask.history.map((item) => JSON.stringify(item));
    const context = await this.#openContext();
    const free = this.#slots
      .filter(({ isBusy }) => !isBusy)
      .toSorted((one, other) => shared(other.history, history) - shared(one.history, history));
    const [best] = free;
    const slot = best !== undefined && (context.sequencesLeft === 0 || shared(best.history, history) > 0) ? best : this.#add(context);
    slot.isBusy = true;
    slot.history = history;
    return slot;
  }

  #add(context: LlamaContext): Slot {
    const slot = { chat: new this.#library.LlamaChat({ contextSequence: context.getSequence() }), history: [], isBusy: false };
    this.#slots.push(slot);
    return slot;
  }
}

function shared(one: readonly string[], other: readonly string[]): number {
  const different = one.findIndex((item, index) => item !== other[index]);
  return different < 0 ? one.length : different;
}

function tellCalls({ functionCalls = [] }: Response, tell: Tell): boolean {
  const calls = functionCalls as readonly { readonly functionName: string; readonly params: Json | undefined }[];
  for (const { functionName, params } of calls)
    tell({ type: "call", call: { id: newCallId(), name: functionName, input: finite(params ?? {}) } });
  return calls.length > 0;
}

/** What was cut off in the middle is not JSON, and neither a call nor an answer. */
function tellChoice(text: string, isCut: boolean, tell: Tell): boolean {
  if (isCut) return false;
  const choice = JSON.parse(text) as Choice;
  if ("call" in choice) tell({ type: "call", call: { id: newCallId(), name: choice.call, input: finite(choice.arguments) } });
  else tell({ type: "text", text: JSON.stringify(finite(choice.answer)) });
  return "call" in choice;
}

/** Grammars let a number have any exponent; what is beyond all numbers becomes the largest, because JSON has no infinity. */
function finite(value: Json): Json {
  if (typeof value === "number") return Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, value));
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(finite);
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, finite(item)]));
}

function stopSequenceOf({ metadata }: Response): { readonly stopSequence?: string } {
  if (metadata.stopReason !== "customStopTrigger") return {};
  const [trigger] = metadata.customStopTrigger;
  return typeof trigger === "string" ? { stopSequence: trigger } : {};
}

function newCallId(): string {
  return `call_${crypto.randomUUID().replaceAll("-", "")}`;
}

function ofLengthOne(vector: readonly number[]): Float32Array {
  const length = Math.hypot(...vector);
  return Float32Array.from(vector, (value) => (length === 0 ? 0 : value / length));
}

import { AppError } from "@tutti/core";
import { LoadedLlama } from "./llama-loaded.ts";
import type { LlamaMessage, LlamaRequest } from "./llama-messages.ts";
import { serveProcess } from "./serve-process.ts";

// The process of one model in a GGUF file.
let loading: Promise<LoadedLlama> | undefined;
const controllers = new Map<number, AbortController>();

serveProcess((request: LlamaRequest, tell: (message: LlamaMessage) => void) => {
  if (request.type === "abort") controllers.get(request.id)?.abort();
  else if (request.type === "load") {
    loading = LoadedLlama.load(request.settings, (message) => tell({ type: "log", message }));
    loading.then(
      () => tell({ type: "loaded" }),
      (error: unknown) =>
        tell({ type: "unloadable", code: error instanceof AppError ? error.code : "upstream", message: messageOf(error) }),
    );
  } else {
    // It cannot reject: whatever goes wrong is told.
    void serve(request, tell);
  }
});

async function serve(
  request: Extract<LlamaRequest, { id: number; type: "generate" | "embed" }>,
  tell: (message: LlamaMessage) => void,
): Promise<void> {
  const { id } = request;
  const controller = new AbortController();
  controllers.set(id, controller);
  try {
    const model = await loading;
    if (model === undefined) throw new AppError("internal", "wanted a loaded model, got none");
    if (request.type === "generate") await model.generate(request.ask, (part) => tell({ type: "part", id, part }), controller.signal);
    else tell({ type: "embedded", id, ...(await model.embed(request.texts, controller.signal)) });
    tell({ type: "ended", id });
  } catch (error) {
    const code = error instanceof AppError ? error.code : "upstream";
    tell({ type: "ended", id, error: { code, message: messageOf(error) } });
  } finally {
    controllers.delete(id);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

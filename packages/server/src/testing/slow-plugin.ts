import type { Plugin } from "@tutti/core";

interface SlowOptions {
  /** The model is at work. */
  readonly onAsked?: () => void;
  /** Nobody waits for it any more. */
  readonly onAborted?: () => void;
}

/** An agent called slow, whose answer begins and never ends. */
export function slowPlugin({ onAsked, onAborted }: SlowOptions = {}): Plugin {
  return {
    name: "slow",
    agents: [
      {
        name: "slow",
        version: "1",
        description: "",
        instructions: "",
        model: "slow-model",
        tools: [],
        routes: [],
        limits: { stepsMax: 2, historyMessagesMax: 5 },
      },
    ],
    models: [
      {
        id: "slow-model",
        async *generate(_, signal) {
          yield { type: "text", text: "Once" };
          onAsked?.();
          await new Promise((resolve) => signal.addEventListener("abort", resolve));
          onAborted?.();
        },
      },
    ],
  };
}

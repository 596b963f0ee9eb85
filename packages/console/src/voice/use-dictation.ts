import { useEffect, useRef, useState } from "react";
import { useLatest } from "../latest.ts";
import { complain } from "../parts/toasts.tsx";
import { client } from "../server.ts";
import { record, type Recording } from "./recording.ts";

/** Where a dictation is. */
type DictationState =
  | { readonly step: "off" }
  /** The browser asks its person for the microphone. */
  | { readonly step: "starting" }
  | { readonly step: "listening"; readonly recording: Recording }
  | { readonly step: "writing" };

/** Something that is said and written down. */
interface Dictation {
  readonly state: DictationState;
  readonly begin: () => void;
  /** Throws away what was said. */
  readonly cancel: () => void;
}

const OFF: DictationState = { step: "off" };

/** Records until the recording is stopped, has `model` write it down, and hands the text on. */
export function useDictation(model: string, onText: (text: string) => void): Dictation {
  const [state, setState] = useState<DictationState>(OFF);
  const leaving = useRef<AbortController>(undefined);
  const give = useLatest(onText);
  useEffect(() => () => leaving.current?.abort(), []);
  const dictate = async (signal: AbortSignal): Promise<void> => {
    setState({ step: "starting" });
    const recording = await record();
    // Whoever has left in the meantime must not find the microphone on.
    if (signal.aborted) recording.stop();
    signal.addEventListener("abort", recording.stop);
    setState({ step: "listening", recording });
    const sound = await recording.sound;
    signal.throwIfAborted();
    setState({ step: "writing" });
    give.current(await client.transcribe({ model, recording: sound }, signal));
  };
  return {
    state,
    begin() {
      const controller = new AbortController();
      leaving.current = controller;
      dictate(controller.signal)
        .catch((thrown: unknown) => {
          if (!controller.signal.aborted) complain(thrown);
        })
        .finally(() => setState(OFF));
    },
    cancel: () => leaving.current?.abort(),
  };
}

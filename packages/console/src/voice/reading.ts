import { AppError } from "@tutti/core";
import { useSyncExternalStore } from "react";
import { client } from "../server.ts";
import { speechPieces } from "./speech-pieces.ts";

/** What reads aloud. */
interface Reader {
  readonly model: string;
  readonly voice: string;
}

/** Models take 4,096 characters at most; a short first piece is heard soon. */
const SIZES = { firstMax: 300, restMax: 4_000 } as const;

interface Reading {
  /** Who asked for it. */
  readonly of: string;
  readonly controller: AbortController;
}

const listeners = new Set<() => void>();
let current: Reading | undefined;

/** What is being read aloud, by the name it was begun with: one text at a time. */
export function useReadingAloud(): string | undefined {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => current?.of,
  );
}

/** Reads a text aloud, instead of whatever is being read. Settles when it has been heard, or has been stopped. */
export async function readAloud(of: string, text: string, reader: Reader): Promise<void> {
  stopReading();
  const controller = new AbortController();
  const reading = { of, controller };
  become(reading);
  try {
    await readPieces(speechPieces(text, SIZES), reader, controller.signal);
  } catch (thrown) {
    if (!controller.signal.aborted) throw thrown;
  } finally {
    if (current === reading) become(undefined);
  }
}

/** Stops reading: whatever it is, or only the named text. */
export function stopReading(of?: string): void {
  if (current === undefined || (of !== undefined && current.of !== of)) return;
  current.controller.abort();
  become(undefined);
}

/** While one piece is heard, the next is made. */
async function readPieces(pieces: readonly string[], { model, voice }: Reader, signal: AbortSignal): Promise<void> {
  const spoken = pieces.filter((piece) => piece.trim() !== "");
  const speak = (index: number): Promise<Blob> | undefined => {
    const text = spoken[index];
    const sound = text === undefined ? undefined : client.speak({ model, voice, text }, signal);
    // Whoever waits for it hears of a failure; until then nobody does.
    sound?.catch(() => undefined);
    return sound;
  };
  let next = speak(0);
  for (let index = 1; next !== undefined; index += 1) {
    const sound = await next;
    next = speak(index);
    await play(sound, signal);
  }
}

async function play(sound: Blob, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const url = URL.createObjectURL(sound);
  const audio = new Audio(url);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  audio.addEventListener("ended", () => resolve());
  audio.addEventListener("error", () =>
    reject(
      new AppError("unsupported", "wanted sound that this browser can play, got other; choose another model or voice in the settings"),
    ),
  );
  signal.addEventListener("abort", () => resolve(), { once: true });
  try {
    await audio.play();
    await promise;
  } finally {
    audio.pause();
    URL.revokeObjectURL(url);
  }
}

function become(reading: Reading | undefined): void {
  current = reading;
  for (const listener of listeners) listener();
}

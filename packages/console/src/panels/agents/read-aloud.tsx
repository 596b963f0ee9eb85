import { Square, Volume2 } from "lucide-react";
import { useEffect, useEffectEvent, useId, type ReactNode } from "react";
import { IconButton } from "../../parts/button.tsx";
import { complain } from "../../parts/toasts.tsx";
import { readAloud, stopReading, useReadingAloud } from "../../voice/reading.ts";
import { useVoice } from "../../voice/voice-settings.ts";

interface ReadAloudProps {
  /** What is read: the words on the page, without the marks of its markdown. */
  readonly of: HTMLElement;
  /** The answer has just come. */
  readonly isFresh: boolean;
}

/** Reads an answer aloud; nothing is shown where no model speaks. */
export function ReadAloud({ of, isFresh }: ReadAloudProps): ReactNode {
  const id = useId();
  const { speaking, voice, readsAnswers } = useVoice();
  const isReading = useReadingAloud() === id;
  const read = (): void => {
    if (speaking !== undefined) readAloud(id, of.innerText, { model: speaking, voice }).catch(complain);
  };
  const begin = useEffectEvent(read);
  const isWanted = isFresh && readsAnswers && speaking !== undefined;
  useEffect(() => {
    if (isWanted) begin();
  }, [isWanted]);
  useEffect(() => () => stopReading(id), [id]);
  if (speaking === undefined) return null;
  return (
    <IconButton
      label={isReading ? "Stop reading" : "Read aloud"}
      aria-pressed={isReading}
      onClick={isReading ? () => stopReading(id) : read}
    >
      {isReading ? <Square aria-hidden className="size-3.5 text-blue" /> : <Volume2 aria-hidden className="size-3.5" />}
    </IconButton>
  );
}

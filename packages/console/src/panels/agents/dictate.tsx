import { Mic, Square } from "lucide-react";
import { useEffect, useRef, useState, type ReactNode } from "react";
import { useMotionAllowed } from "../../appearance.ts";
import { Button, IconButton } from "../../parts/button.tsx";
import { useActions, type ShellAction } from "../../shell/actions.ts";
import type { Recording } from "../../voice/recording.ts";
import { useDictation } from "../../voice/use-dictation.ts";
import { useVoice } from "../../voice/voice-settings.ts";

interface DictateProps {
  readonly onText: (text: string) => void;
}

/** Writes down what is said; nothing is shown where no model hears. */
export function Dictate({ onText }: DictateProps): ReactNode {
  const { hearing } = useVoice();
  return hearing === undefined ? null : <Microphone hearing={hearing} onText={onText} />;
}

const GROUP = "Voice";
const END = "End the dictation and write it down";

function Microphone({ hearing, onText }: DictateProps & { readonly hearing: string }): ReactNode {
  const { state, begin, cancel } = useDictation(hearing, onText);
  const away: ShellAction = { id: "dictate cancel", title: "Throw the dictation away", group: GROUP, keys: "esc", run: cancel };
  const actions: Readonly<Record<typeof state.step, readonly ShellAction[]>> = {
    off: [{ id: "dictate", title: "Dictate", group: GROUP, keys: "v", words: "voice microphone speak talk", run: begin }],
    starting: [away],
    listening: [
      { id: "dictate end", title: END, group: GROUP, keys: "v", run: () => state.step === "listening" && state.recording.stop() },
      away,
    ],
    writing: [away],
  };
  useActions(actions[state.step]);
  switch (state.step) {
    case "off":
      return (
        <IconButton label="Dictate" onClick={begin}>
          <Mic aria-hidden className="size-4" />
        </IconButton>
      );
    case "listening":
      return (
        <div className="flex items-center gap-2">
          <Listening recording={state.recording} />
          <IconButton label={END} tone="danger" onClick={state.recording.stop}>
            <Square aria-hidden className="size-3.5" />
          </IconButton>
        </div>
      );
    case "starting":
      return <Button isBusy>Asking for the microphone</Button>;
    case "writing":
      return <Button isBusy>Writing it down</Button>;
  }
}

const SECOND_MS = 1_000;

/** How long it has listened, and how loud it is. */
function Listening({ recording }: { readonly recording: Recording }): ReactNode {
  const isMoving = useMotionAllowed();
  const dot = useRef<HTMLSpanElement>(null);
  const [seconds, setSeconds] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setSeconds((before) => before + 1), SECOND_MS);
    return () => clearInterval(timer);
  }, []);
  useEffect(() => {
    if (!isMoving) return;
    let frame = 0;
    const draw = (): void => {
      if (dot.current !== null) dot.current.style.transform = `scale(${0.5 + recording.level()})`;
      frame = requestAnimationFrame(draw);
    };
    draw();
    return () => cancelAnimationFrame(frame);
  }, [isMoving, recording]);
  return (
    <>
      <span ref={dot} aria-hidden className="size-2.5 rounded-full bg-red" />
      <span role="timer" className="text-[13px] tabular-nums">
        {`${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`}
      </span>
    </>
  );
}

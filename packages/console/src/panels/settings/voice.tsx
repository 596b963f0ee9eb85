import { Mic } from "lucide-react";
import { useState, type ReactNode } from "react";
import { Button } from "../../parts/button.tsx";
import { Choice, TextField, Toggle } from "../../parts/fields.tsx";
import { Panel } from "../../parts/page.tsx";
import { Empty } from "../../parts/states.tsx";
import { complain } from "../../parts/toasts.tsx";
import { readAloud } from "../../voice/reading.ts";
import { setVoiceChoice, useVoice, useVoiceChoice, useVoiceModels } from "../../voice/voice-settings.ts";

/** Who writes down what is said in chats, and who reads answers aloud; here only. */
export function VoiceSettings(): ReactNode {
  const { hearers, speakers, all } = useVoiceModels();
  const choice = useVoiceChoice();
  const { speaking } = useVoice();
  const [isTesting, setTesting] = useState(false);
  const test = (reader: string): void => {
    setTesting(true);
    readAloud("settings", "This is how answers sound.", { model: reader, voice: choice.voice })
      .catch(complain)
      .finally(() => setTesting(false));
  };
  return (
    <Panel title="Voice">
      {hearers.length === 0 && speakers.length === 0 && (
        <Empty icon={Mic} title="No model is known to hear or to speak">
          Add a provider with one, such as <code className="font-mono text-ink">whisper-1</code> and{" "}
          <code className="font-mono text-ink">tts-1</code>; or choose a model below that you know to do it.
        </Empty>
      )}
      <div className="grid max-w-2xl gap-3 sm:grid-cols-2">
        <Choice
          label="Writes down what you say"
          value={choice.hearing}
          options={optionsOf(hearers, all)}
          onChange={({ target }) => setVoiceChoice({ hearing: target.value })}
        />
        <Choice
          label="Reads aloud"
          value={choice.speaking}
          options={optionsOf(speakers, all)}
          onChange={({ target }) => setVoiceChoice({ speaking: target.value })}
        />
        <TextField
          label="Voice"
          help="One that the model knows."
          value={choice.voice}
          onChange={({ target }) => setVoiceChoice({ voice: target.value })}
        />
        <div className="flex items-center gap-3">
          <Button
            isBusy={isTesting}
            disabled={speaking === undefined || choice.voice.trim() === ""}
            onClick={() => speaking !== undefined && test(speaking)}
          >
            Hear it
          </Button>
        </div>
        <Toggle
          label="Read each new answer aloud"
          isOn={choice.readsAnswers}
          onChange={(readsAnswers) => setVoiceChoice({ readsAnswers })}
        />
      </div>
    </Panel>
  );
}

/** Those that are known to do it first, then all others: what a model can do is not always known. */
function optionsOf(able: readonly string[], all: readonly string[]): readonly { readonly value: string; readonly label: string }[] {
  const [first] = able;
  const others = all.filter((id) => !able.includes(id));
  return [
    { value: "", label: first === undefined ? "None" : `The first that can: ${first}` },
    ...[...able, ...others].map((id) => ({ value: id, label: id })),
  ];
}

import { useQuery } from "@tanstack/react-query";
import { keep } from "../kept.ts";
import { catalogQuery } from "../queries.ts";

/** What this browser's person chose; an empty model is the first that can do it. */
interface VoiceChoice {
  /** The model that writes down what is said, as "provider/name". */
  readonly hearing: string;
  /** The model that reads aloud. */
  readonly speaking: string;
  /** One of the speaking model's voices. */
  readonly voice: string;
  readonly readsAnswers: boolean;
}

/** Who hears and who speaks; `undefined` where no model can. */
interface Voice extends Pick<VoiceChoice, "voice" | "readsAnswers"> {
  readonly hearing: string | undefined;
  readonly speaking: string | undefined;
}

const choice = keep<VoiceChoice>("tutti.voice", ({ hearing, speaking, voice, readsAnswers }) => ({
  hearing: typeof hearing === "string" ? hearing : "",
  speaking: typeof speaking === "string" ? speaking : "",
  // The oldest of OpenAI's voices; other providers' servers know it too.
  voice: typeof voice === "string" && voice !== "" ? voice : "alloy",
  readsAnswers: readsAnswers === true,
}));

/** What was chosen, in this browser. */
export const useVoiceChoice = choice.use;

/** Chooses, in this browser from now on. */
export const setVoiceChoice = choice.set;

/** Who hears and speaks now. */
export function useVoice(): Voice {
  const { hearing, speaking, voice, readsAnswers } = choice.use();
  const { hearers, speakers } = useVoiceModels();
  return { hearing: hearing || hearers[0], speaking: speaking || speakers[0], voice, readsAnswers };
}

/** The models that are known to write down or to read aloud, by their ids. */
export function useVoiceModels(): {
  readonly hearers: readonly string[];
  readonly speakers: readonly string[];
  readonly all: readonly string[];
} {
  const { data } = useQuery(catalogQuery);
  const models = data?.models ?? [];
  const able = (ability: string): readonly string[] =>
    models.filter(({ abilities }) => abilities?.includes(ability) === true).map(({ id }) => id);
  return { hearers: able("transcription"), speakers: able("speech"), all: models.map(({ id }) => id) };
}

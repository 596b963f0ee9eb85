import { AppError } from "@tutti/core";

/** Whoever forgot to stop has said enough. */
const RECORDING_MS_MAX = 5 * 60_000;
/** What browsers record in, the best first; each can be written down by the models. */
const FORMATS = ["audio/webm;codecs=opus", "audio/mp4", "audio/ogg;codecs=opus"];

/** A microphone that is on. */
export interface Recording {
  /** How loud it is now, from 0 to 1. */
  readonly level: () => number;
  /** Ends it. */
  readonly stop: () => void;
  /** What was recorded, once it has ended by itself or by `stop`. */
  readonly sound: Promise<Blob>;
}

/** Turns the microphone on; the browser asks its person first. */
export async function record(): Promise<Recording> {
  const stream = await microphone();
  const mimeType = FORMATS.find((format) => MediaRecorder.isTypeSupported(format));
  const recorder = new MediaRecorder(stream, mimeType === undefined ? {} : { mimeType });
  const meter = new AudioContext();
  const stop = (): void => {
    if (recorder.state !== "inactive") recorder.stop();
  };
  const timer = setTimeout(stop, RECORDING_MS_MAX);
  const sound = new Promise<Blob>((resolve, reject) => {
    recorder.addEventListener("dataavailable", ({ data }) => resolve(data));
    recorder.addEventListener("error", () =>
      reject(new AppError("internal", "wanted a recording, got an error of the browser; try again")),
    );
  }).finally(() => {
    clearTimeout(timer);
    for (const track of stream.getTracks()) track.stop();
    void meter.close();
  });
  recorder.start();
  return { level: levelOf(meter, stream), stop, sound };
}

async function microphone(): Promise<MediaStream> {
  // Browsers hide the microphone from pages that came over a network in the clear.
  if (!window.isSecureContext)
    throw new AppError(
      "unsupported",
      "wanted a page that may use the microphone, got one without https; open the console on this machine or over https",
    );
  try {
    return await navigator.mediaDevices.getUserMedia({ audio: true });
  } catch (thrown) {
    throw explained(thrown);
  }
}

function explained(thrown: unknown): AppError {
  const name = thrown instanceof DOMException ? thrown.name : "";
  const options = { cause: thrown };
  if (name === "NotAllowedError")
    return new AppError("denied", "wanted the microphone, got a refusal; allow it for this page beside the browser's address", options);
  if (name === "NotFoundError") return new AppError("not_found", "wanted a microphone, found none; plug one in and try again", options);
  return new AppError("unsupported", `wanted the microphone, got ${String(thrown)}`, options);
}

function levelOf(meter: AudioContext, stream: MediaStream): () => number {
  const analyser = meter.createAnalyser();
  meter.createMediaStreamSource(stream).connect(analyser);
  const samples = new Uint8Array(analyser.fftSize);
  return () => {
    analyser.getByteTimeDomainData(samples);
    // Samples lie around 128.
    return samples.reduce((most, sample) => Math.max(most, Math.abs(sample - 128)), 0) / 128;
  };
}

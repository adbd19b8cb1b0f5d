/**
 * Recording a memo with the phone's microphone: sound alone, small, no longer than a memo may be.
 *
 * Owns the microphone while it records: it is asked for when a memo is begun and let go when it ends. What was recorded
 * is whole when it ends, by a tap, by its longest time, or because the app was hidden.
 */

/** As long as one listens to; the server takes a little more (`server/attachments/media.py`). */
export const LONGEST_S = 300;
const BITS_PER_SECOND = 24_000;
/** Those that the server takes, the smaller before the larger. */
const KINDS = ["audio/webm;codecs=opus", "audio/mp4"];

export class NoMicrophone extends Error {
  /** `denied`: the worker, or the phone's settings, do not allow it. Otherwise there is none, or it is in use. */
  constructor(readonly denied: boolean) {
    super("no microphone");
  }
}

export interface Memo {
  readonly content: Uint8Array<ArrayBuffer>;
  readonly type: string;
}

/** A memo that is being recorded: `ended` resolves when it is whole, after `stop` or by itself; null where nothing was heard. */
export interface Recording {
  readonly ended: Promise<Memo | null>;
  readonly stop: () => void;
}

export function canRecord(): boolean {
  return "mediaDevices" in navigator && typeof MediaRecorder !== "undefined" && KINDS.some((kind) => MediaRecorder.isTypeSupported(kind));
}

/** Whether the microphone may be used without asking: it was allowed before. */
export async function mayRecord(): Promise<boolean> {
  try {
    return (await navigator.permissions.query({ name: "microphone" })).state === "granted";
  } catch {
    return false;
  }
}

/** Begin to record. Throws `NoMicrophone`. */
export async function record(): Promise<Recording> {
  const sound = await microphone();
  const mimeType = KINDS.find((kind) => MediaRecorder.isTypeSupported(kind)) ?? "";
  const recorder = new MediaRecorder(sound, { mimeType, audioBitsPerSecond: BITS_PER_SECOND });
  const parts: Blob[] = [];
  const stop = (): void => {
    if (recorder.state !== "inactive") recorder.stop();
  };
  const longest = setTimeout(stop, LONGEST_S * 1000);
  const hidden = (): void => {
    if (document.visibilityState === "hidden") stop();
  };
  document.addEventListener("visibilitychange", hidden);
  recorder.addEventListener("dataavailable", ({ data }) => void (data.size > 0 && parts.push(data)));
  const ended = new Promise<Memo | null>((resolve) => {
    recorder.addEventListener("stop", () => {
      clearTimeout(longest);
      document.removeEventListener("visibilitychange", hidden);
      for (const track of sound.getTracks()) track.stop();
      void new Blob(parts).arrayBuffer().then((whole) => {
        resolve(whole.byteLength === 0 ? null : { content: new Uint8Array(whole), type: mimeType.split(";")[0] ?? "" });
      });
    });
  });
  recorder.start();
  return { ended, stop };
}

async function microphone(): Promise<MediaStream> {
  try {
    return await navigator.mediaDevices.getUserMedia({ audio: true });
  } catch (error) {
    throw new NoMicrophone(error instanceof DOMException && ["NotAllowedError", "SecurityError"].includes(error.name));
  }
}

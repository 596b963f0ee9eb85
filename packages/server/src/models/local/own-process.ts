import { fork } from "node:child_process";

/** A program of this folder that runs beside the server. */
export interface OwnProcess<Request> {
  readonly id: number | undefined;
  send(request: Request): void;
  /** While it is held the server waits for it; else the server may end without it. */
  hold(isHeld: boolean): void;
  /** Resolves once it is gone. */
  end(): Promise<void>;
}

/** What is told of it: its messages, and once, with a reason for people, that it ended by itself. */
interface Listener<Message> {
  message(message: Message): void;
  ended(how: string): void;
}

/**
 * Starts a program of this folder. Models run in processes and not in threads: their memory goes back to the system when they are unloaded,
 * and a crash in native code takes nothing else with it.
 */
export function startProcess<Request extends object, Message>(name: string, listener: Listener<Message>): OwnProcess<Request> {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const child = fork(new URL(`./${name}.${extension}`, import.meta.url), {
    serialization: "advanced",
    execArgv: ["--disable-warning=ExperimentalWarning"],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  let isEnding = false;
  let isGone = false;
  const gone = (how: string): void => {
    if (isGone) return;
    isGone = true;
    if (!isEnding) listener.ended(how);
  };
  child.on("message", (message) => {
    if (!isEnding) listener.message(message as Message);
  });
  child.on("error", (error) => gone(String(error)));
  child.once("exit", (code, signal) => gone(signal ?? `exit ${code}`));
  return {
    id: child.pid,
    send(request) {
      // A process that is just ending takes no message any more: `exit` tells.
      if (child.connected) child.send(request, () => {});
    },
    hold(isHeld) {
      if (isHeld) child.ref();
      else child.unref();
      if (isHeld) child.channel?.ref();
      else child.channel?.unref();
    },
    async end() {
      isEnding = true;
      if (isGone || child.exitCode !== null || child.signalCode !== null) return;
      child.ref();
      const exited = Promise.withResolvers<void>();
      child.once("exit", () => exited.resolve());
      child.kill("SIGKILL");
      await exited.promise;
    },
  };
}

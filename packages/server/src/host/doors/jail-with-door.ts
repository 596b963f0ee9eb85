import type { Jail, JailSpec } from "@tutti/core/sandbox";
import type { Door } from "./doors.ts";

/** Starts a program in a jail that has a door; the door is there exactly as long as the program. */
export async function jailWithDoor(door: Door, spec: JailSpec, start: (spec: JailSpec) => Promise<Jail>): Promise<Jail> {
  const closeDoor = (): Promise<void> => Promise.resolve(door[Symbol.asyncDispose]());
  try {
    const jail = await start({ ...spec, socketPath: door.socketPath });
    const exited = jail.exited.finally(closeDoor);
    return {
      pid: jail.pid,
      output: jail.output,
      stderr: jail.stderr,
      exited,
      write: (bytes) => jail.write(bytes),
      async stop(graceMs) {
        await jail.stop(graceMs);
        await exited;
      },
    };
  } catch (error) {
    await closeDoor();
    throw error;
  }
}

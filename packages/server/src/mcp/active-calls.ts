import { AppError } from "@tutti/core";
import type { CallClock } from "./call-clock.ts";
import type { AskingCall } from "./server-spec.ts";

/** A call that is under way, with its clock: the time in which a person thinks is not the server's. */
export interface ActiveCall extends AskingCall {
  readonly clock: CallClock;
}

/** The calls of one server that are under way, so that a question of the server's is asked in the right name. */
export class ActiveCalls {
  readonly #calls = new Set<ActiveCall>();

  /** Does the work of a call, while its clock runs. */
  async during<T>(call: ActiveCall, work: () => Promise<T>): Promise<T> {
    const { clock } = call;
    this.#calls.add(call);
    clock.resume();
    try {
      return await work();
    } catch (error) {
      throw clock.signal.aborted ? clock.signal.reason : error;
    } finally {
      clock.pause();
      this.#calls.delete(call);
    }
  }

  /** Whose call a server asks about. The protocol does not say; where calls of several principals are under way, nobody is asked in another's name. */
  asking(): ActiveCall {
    const [first, ...others] = this.#calls;
    if (first !== undefined && others.every(({ principal }) => principal.id === first.principal.id)) return first;
    throw new AppError(
      "denied",
      "wanted a question about a call that is under way, got one about none, or about calls of several principals",
    );
  }
}

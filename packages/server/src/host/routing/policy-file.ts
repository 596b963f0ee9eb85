import { readFile, stat } from "node:fs/promises";
import { AppError } from "@tutti/core";
import { readRouterPolicy, type LoadedPolicy } from "./read-policy.ts";

/**
 * A router policy in a file. It is looked at before each use: a file that has changed is read again, and one that is wrong then changes
 * nothing but `problem`. So a reload needs no watcher that could miss it, and a decision is never made by half a file.
 */
export class PolicyFile {
  readonly path: string;
  readonly #onProblem: (problem: string) => void;
  #policy: LoadedPolicy;
  #stamp: string;
  #problem: string | undefined;

  private constructor(path: string, read: Read, onProblem: (problem: string) => void) {
    this.path = path;
    this.#policy = read.policy;
    this.#stamp = read.stamp;
    this.#onProblem = onProblem;
  }

  /** Throws `invalid_config` when the file cannot be read or is wrong: a server does not start with a policy that it does not have. */
  static async open(path: string, onProblem: (problem: string) => void): Promise<PolicyFile> {
    return new PolicyFile(path, { policy: await read(path), stamp: await stampOf(path) }, onProblem);
  }

  /** What is wrong with the file as it is now, while an earlier state of it holds. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** The policy that holds now. Never rejects. */
  async current(): Promise<LoadedPolicy> {
    const stamp = await stampOf(this.path);
    if (stamp === this.#stamp) return this.#policy;
    this.#stamp = stamp;
    try {
      this.#policy = await read(this.path);
      this.#problem = undefined;
    } catch (error) {
      this.#problem = AppError.from(error).message;
      this.#onProblem(this.#problem);
    }
    return this.#policy;
  }
}

interface Read {
  readonly policy: LoadedPolicy;
  readonly stamp: string;
}

/** Editors replace files and keep times: all that tells two states apart counts. A file that is gone is a state too. */
async function stampOf(path: string): Promise<string> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  return found === undefined ? "gone" : [found.dev, found.ino, found.size, found.mtimeNs, found.ctimeNs].join(" ");
}

async function read(path: string): Promise<LoadedPolicy> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw new AppError("invalid_config", `the router policy ${path} cannot be read: ${AppError.from(error).message}`, { cause: error });
  });
  return readRouterPolicy(text, path);
}

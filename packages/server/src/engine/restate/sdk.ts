import type * as Restate from "@restatedev/restate-sdk";
import { AppError } from "@tutti/core";

/** Restate's SDK, which a plain install of Tutti leaves out. */
export type Sdk = typeof Restate;

/** Loads it, or says how to get it. */
export async function loadSdk(): Promise<Sdk> {
  try {
    return await import("@restatedev/restate-sdk");
  } catch (cause) {
    throw new AppError(
      "invalid_config",
      "wanted the package @restatedev/restate-sdk for the engine Restate, got none; run `npm install @restatedev/restate-sdk` beside Tutti",
      { cause },
    );
  }
}

import type { Accent } from "../../parts/tones.ts";

/** The colour of what a policy says. */
export const EFFECT_ACCENT: Readonly<Record<string, Accent>> = { allow: "green", ask: "orange", deny: "red", depends: "violet" };

import { useSyncExternalStore } from "react";
import { keep } from "./kept.ts";

/** How a person wants the console to look. "system" follows their device. */
export interface Appearance {
  readonly theme: "system" | "dark" | "light";
  readonly motion: "system" | "reduced";
  /** How much stands on a screen. */
  readonly density: "comfortable" | "compact";
  /** Which way the page is read; what people and models wrote follows its own script in both. */
  readonly direction: "ltr" | "rtl";
  /** Whether keys without Control or Command do anything: who speaks to the computer presses them by accident. */
  readonly hasLetterKeys: boolean;
}

const prefersLight = matchMedia("(prefers-color-scheme: light)");
const prefersStillness = matchMedia("(prefers-reduced-motion: reduce)");
const appearance = keep<Appearance>("tutti.appearance", ({ theme, motion, density, direction, hasLetterKeys }) => ({
  theme: theme === "dark" || theme === "light" ? theme : "system",
  motion: motion === "reduced" ? motion : "system",
  density: density === "compact" ? density : "comfortable",
  direction: direction === "rtl" ? direction : "ltr",
  hasLetterKeys: hasLetterKeys !== false,
}));

/** How the console looks. */
export const useAppearance = appearance.use;

/** Changes how the console looks, here and in this browser from now on. */
export const setAppearance = appearance.set;

/** Puts the appearance on the page, and follows the device and the person from then on. */
export function startAppearance(): void {
  apply();
  prefersLight.addEventListener("change", apply);
  appearance.subscribe(apply);
}

/** Whether things may move. */
export function useMotionAllowed(): boolean {
  const { motion } = useAppearance();
  const isStill = useSyncExternalStore(
    (listener) => {
      prefersStillness.addEventListener("change", listener);
      return () => prefersStillness.removeEventListener("change", listener);
    },
    () => prefersStillness.matches,
  );
  return motion !== "reduced" && !isStill;
}

/** The theme that is on the page, also when the device changes it: pictures that read colours from the page are made anew. */
export function useTheme(): "dark" | "light" {
  return useSyncExternalStore(followTheme, themeOnPage);
}

function followTheme(listener: () => void): () => void {
  const stop = appearance.subscribe(listener);
  prefersLight.addEventListener("change", listener);
  return () => {
    stop();
    prefersLight.removeEventListener("change", listener);
  };
}

function themeOnPage(): "dark" | "light" {
  const { theme } = appearance.now();
  if (theme !== "system") return theme;
  return prefersLight.matches ? "light" : "dark";
}

function apply(): void {
  const { dataset } = document.documentElement;
  const { motion, density, direction } = appearance.now();
  document.documentElement.dir = direction;
  dataset["density"] = density;
  dataset["theme"] = themeOnPage();
  dataset["motion"] = motion;
}

import { useSyncExternalStore } from "react";

/** How a person wants the console to look. "system" follows their device. */
export interface Appearance {
  readonly theme: "system" | "dark" | "light";
  readonly motion: "system" | "reduced";
}

const KEY = "tutti.appearance";
const DEFAULT: Appearance = { theme: "system", motion: "system" };
const prefersLight = matchMedia("(prefers-color-scheme: light)");
const prefersStillness = matchMedia("(prefers-reduced-motion: reduce)");
const listeners = new Set<() => void>();
let current = read();

/** Puts the appearance on the page, and follows the device from then on. */
export function startAppearance(): void {
  apply();
  prefersLight.addEventListener("change", apply);
}

/** How the console looks. */
export function useAppearance(): Appearance {
  return useSyncExternalStore(subscribe, () => current);
}

/** Changes how the console looks, here and in this browser from now on. */
export function setAppearance(change: Partial<Appearance>): void {
  current = { ...current, ...change };
  localStorage.setItem(KEY, JSON.stringify(current));
  apply();
  for (const listener of listeners) listener();
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

/** The theme that is on the page. */
export function themeOnPage(): "dark" | "light" {
  if (current.theme !== "system") return current.theme;
  return prefersLight.matches ? "light" : "dark";
}

/** Calls when the appearance changes. */
export function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function apply(): void {
  const { dataset } = document.documentElement;
  dataset["theme"] = themeOnPage();
  dataset["motion"] = current.motion;
}

function read(): Appearance {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Record<keyof Appearance, string>>;
    return {
      theme: kept.theme === "dark" || kept.theme === "light" ? kept.theme : DEFAULT.theme,
      motion: kept.motion === "reduced" ? kept.motion : DEFAULT.motion,
    };
  } catch {
    // Something else wrote there, or storage is off: the default is good.
    return DEFAULT;
  }
}

import type { ReactNode } from "react";
import { setAppearance, useAppearance, type Appearance } from "../../appearance.ts";
import { Choice, Toggle } from "../../parts/fields.tsx";
import { Panel } from "../../parts/page.tsx";

const THEMES: readonly { readonly value: Appearance["theme"]; readonly label: string }[] = [
  { value: "system", label: "As this device" },
  { value: "dark", label: "Dark" },
  { value: "light", label: "Light" },
];
const MOTION: readonly { readonly value: Appearance["motion"]; readonly label: string }[] = [
  { value: "system", label: "As this device" },
  { value: "reduced", label: "Nothing moves" },
];

const DENSITIES: readonly { readonly value: Appearance["density"]; readonly label: string }[] = [
  { value: "comfortable", label: "Comfortable" },
  { value: "compact", label: "Compact" },
];
const DIRECTIONS: readonly { readonly value: Appearance["direction"]; readonly label: string }[] = [
  { value: "ltr", label: "Left to right" },
  { value: "rtl", label: "Right to left" },
];

/** How the console looks, here only. */
export function AppearanceSettings(): ReactNode {
  const { theme, motion, density, direction, hasLetterKeys } = useAppearance();
  return (
    <Panel title="Appearance">
      <div className="grid max-w-lg gap-3 sm:grid-cols-2">
        <Choice
          label="Theme"
          value={theme}
          options={THEMES}
          onChange={({ target }) => setAppearance({ theme: chosen(THEMES, target.value) })}
        />
        <Choice
          label="Motion"
          value={motion}
          options={MOTION}
          onChange={({ target }) => setAppearance({ motion: chosen(MOTION, target.value) })}
        />
        <Choice
          label="Density"
          value={density}
          options={DENSITIES}
          onChange={({ target }) => setAppearance({ density: chosen(DENSITIES, target.value) })}
        />
        <Choice
          label="Direction"
          value={direction}
          options={DIRECTIONS}
          onChange={({ target }) => setAppearance({ direction: chosen(DIRECTIONS, target.value) })}
        />
      </div>
      <div className="pt-3">
        <Toggle label="Shortcuts of one letter" isOn={hasLetterKeys} onChange={(isOn) => setAppearance({ hasLetterKeys: isOn })} />
      </div>
      <p className="pt-3 text-xs text-ink-2">Kept in this browser; every other one has its own.</p>
    </Panel>
  );
}

function chosen<T extends string>(options: readonly { readonly value: T }[], value: string): T {
  const found = options.find((option) => option.value === value) ?? options[0];
  if (found === undefined) throw new RangeError("wanted a choice among at least one, got none");
  return found.value;
}

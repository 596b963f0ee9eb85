import type { ReactNode } from "react";
import { setAppearance, useAppearance, type Appearance } from "../../appearance.ts";
import { Choice } from "../../parts/fields.tsx";
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

/** How the console looks, here only. */
export function AppearanceSettings(): ReactNode {
  const { theme, motion } = useAppearance();
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
      </div>
    </Panel>
  );
}

function chosen<T extends string>(options: readonly { readonly value: T }[], value: string): T {
  const found = options.find((option) => option.value === value) ?? options[0];
  if (found === undefined) throw new RangeError("wanted a choice among at least one, got none");
  return found.value;
}

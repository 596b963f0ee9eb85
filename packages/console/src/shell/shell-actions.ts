import { useNavigate } from "@tanstack/react-router";
import { useMemo } from "react";
import { setAppearance } from "../appearance.ts";
import { complain } from "../parts/toasts.tsx";
import { leave } from "../session.tsx";
import { useActions, type ShellAction } from "./actions.ts";

/** What can be done from every page. */
export function useShellActions(): void {
  const navigate = useNavigate();
  const actions = useMemo(
    (): readonly ShellAction[] => [
      { id: "theme dark", title: "Dark theme", group: "Appearance", run: () => setAppearance({ theme: "dark" }) },
      { id: "theme light", title: "Light theme", group: "Appearance", run: () => setAppearance({ theme: "light" }) },
      { id: "theme system", title: "Theme of this device", group: "Appearance", run: () => setAppearance({ theme: "system" }) },
      {
        id: "density compact",
        title: "Compact",
        group: "Appearance",
        words: "density small",
        run: () => setAppearance({ density: "compact" }),
      },
      {
        id: "density comfortable",
        title: "Comfortable",
        group: "Appearance",
        words: "density large",
        run: () => setAppearance({ density: "comfortable" }),
      },
      {
        id: "start",
        title: "Start a workflow",
        group: "Do",
        keys: "c",
        words: "new run create",
        run: () => navigate({ to: "/workflows" }),
      },
      { id: "sign out", title: "Sign out", group: "General", run: () => leave().catch(complain) },
    ],
    [navigate],
  );
  useActions(actions);
}

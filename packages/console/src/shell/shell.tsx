import { Link, Outlet, useNavigate } from "@tanstack/react-router";
import { Compass, Menu, Search } from "lucide-react";
import { Suspense, useCallback, useEffect, useMemo, useState, type ReactNode } from "react";
import { lateWindow } from "../late.tsx";
import { buttonLook, IconButton } from "../parts/button.tsx";
import { Page } from "../parts/page.tsx";
import { Empty, Loading } from "../parts/states.tsx";
import { whenIdle } from "../platform.ts";
import { useActions, useKeyboard, type ShellAction } from "./actions.ts";
import { Connection, OfflineBanner } from "./connection.tsx";
import type { PaletteWindow } from "./found.ts";
import { Keys } from "./keys.tsx";
import { Navigation } from "./navigation.tsx";
import { PLACES } from "./places.ts";
import { useShellActions } from "./shell-actions.ts";
import { holdKeys } from "./typed-ahead.ts";

const loadPalette = () => import("./palette.tsx");
const Palette = lateWindow(loadPalette, "Palette");
const Tour = lateWindow(() => import("./tour.tsx"), "Tour");
const OperationWindow = lateWindow(() => import("./api/operation-window.tsx"), "OperationWindow");
const ToolWindow = lateWindow(() => import("./api/tool-window.tsx"), "ToolWindow");
const Help = lateWindow(() => import("./help.tsx"), "Help");

/** Set once somebody has seen the tour in this browser. */
const TOURED = "tutti.toured";

/** What is open over the page. */
type Over = "nothing" | "palette" | "help" | "navigation" | PaletteWindow;

/** The frame of every page: navigation, search, connection, keyboard. */
export function Shell(): ReactNode {
  const [over, setOver] = useState<Over>("nothing");
  const close = (): void => setOver("nothing");
  const [isTouring, setTouring] = useState(() => localStorage.getItem(TOURED) === null);
  const startTour = useCallback(() => setTouring(true), []);
  useKeyboard();
  useShellActions();
  useOpeners(setOver, startTour);
  // Whoever opens the palette types at once, so it should be there already, and what is typed before it is there is kept for it.
  useEffect(() => whenIdle(() => void Palette.preload?.()), []);
  useEffect(() => (over === "palette" ? holdKeys(() => setOver("nothing")) : undefined), [over]);
  const endTour = (): void => {
    localStorage.setItem(TOURED, "yes");
    setTouring(false);
  };
  return (
    <div className="flex h-dvh">
      <a href="#content" className="sr-only z-50 focus:not-sr-only focus:absolute focus:start-2 focus:top-2">
        <span className={buttonLook("primary")}>Skip to content</span>
      </a>
      <Navigation isOpen={over === "navigation"} onClose={close} />
      <div className="flex min-w-0 grow flex-col">
        <header className="flex h-12 shrink-0 items-center gap-2 border-b border-line bg-ground-1 px-3">
          <span className="md:hidden">
            <IconButton label="Menu" onClick={() => setOver("navigation")}>
              <Menu aria-hidden className="size-4" />
            </IconButton>
          </span>
          <button
            type="button"
            onClick={() => setOver("palette")}
            className="flex h-8 w-full max-w-md items-center gap-2 rounded-md border border-line-strong bg-ground px-2.5 text-[13px] text-ink-3 hover:text-ink-2"
          >
            <Search aria-hidden className="size-3.5" />
            <span className="grow text-start">Search or do anything</span>
            <span className="max-sm:hidden">
              <Keys keys="mod+k" />
            </span>
          </button>
          <span className="grow" />
          <Connection />
        </header>
        <OfflineBanner />
        <main id="content" tabIndex={-1} className="relative min-h-0 grow overflow-y-auto outline-none">
          <Suspense fallback={<Loading lines={8} />}>
            <Outlet />
          </Suspense>
        </main>
      </div>
      <Suspense fallback={null}>
        {over === "palette" && <Palette onClose={close} onOpen={setOver} />}
        {typeof over === "object" && "operation" in over && <OperationWindow operation={over.operation} onClose={close} />}
        {typeof over === "object" && "tool" in over && <ToolWindow name={over.tool} onClose={close} />}
        {over === "help" && <Help onClose={close} />}
        {isTouring && <Tour onClose={endTour} />}
      </Suspense>
    </div>
  );
}

/** An address that leads nowhere. */
export function LostPage(): ReactNode {
  return (
    <Page title="Nothing here">
      <Empty icon={Compass} title="No page has this address">
        It may have been one of an earlier version.{" "}
        <Link to="/" className="text-blue underline">
          Go to the overview
        </Link>
        , or press <Keys keys="mod+k" /> to search.
      </Empty>
    </Page>
  );
}

function useOpeners(open: (over: Over) => void, startTour: () => void): void {
  const navigate = useNavigate();
  const actions = useMemo((): readonly ShellAction[] => {
    const places = PLACES.flatMap((group) => group.places).map(({ to, title, about, keys }): ShellAction => ({
      id: `go ${to}`,
      title: `Go to ${title}`,
      group: "Go to",
      words: about,
      keys,
      run: () => navigate({ to }),
    }));
    return [
      { id: "palette", title: "Search or do anything", group: "General", keys: "mod+k", run: () => open("palette") },
      { id: "help", title: "Keyboard and help", group: "General", keys: "?", run: () => open("help") },
      { id: "tour", title: "Take the tour", group: "General", run: startTour },
      ...places,
    ];
  }, [navigate, open, startTour]);
  useActions(actions);
}

import { AppError } from "@tutti/core";
import { WifiOff } from "lucide-react";
import { use, useEffect, useEffectEvent, useState, type ComponentType, type ReactNode } from "react";
import { reconnect, useConnection } from "./feed.ts";
import { Button } from "./parts/button.tsx";
import { Page } from "./parts/page.tsx";
import { Empty, Failure } from "./parts/states.tsx";
import { complain } from "./parts/toasts.tsx";

/** A component whose code is loaded when it is first drawn, or before. */
interface Late<Props> {
  (props: Props): ReactNode;
  /** Loads its code ahead, as the router asks; there while that has not been done. */
  preload?: () => Promise<void>;
}

/** What stands in for a component whose code could not be loaded. */
interface MissingProps {
  /** Tries again: "here" when it is loaded, "away" when the server does not answer, "gone" when it does and has no such code. */
  readonly again: () => Promise<"here" | "away" | "gone">;
  /** Which code it is. */
  readonly name: string;
}

/** A page, loaded when it is first opened. */
export function latePage<Name extends string>(load: Load<Name, object>, name: Name): Late<object> {
  return late(load, name, MissingPage);
}

/** A part within a page, loaded when it is first shown. */
export function latePart<Name extends string, Props extends object>(load: Load<Name, Props>, name: Name): Late<Props> {
  return late(load, name, MissingPart);
}

/** A part that something simpler stands in for until its code is here, and that comes by itself when the server is back. */
export function lateInstead<Name extends string, Props extends Meanwhile>(load: Load<Name, Props>, name: Name): Late<Props> {
  return late<Name, Props>(load, name, MissingInstead);
}

/** What opens over a page, loaded when it is first opened. */
export function lateWindow<Name extends string, Props extends Closing>(load: Load<Name, Props>, name: Name): Late<Props> {
  return late<Name, Props>(load, name, MissingWindow);
}

/** Brings a module that has the component by its name. */
export type Load<Name extends string, Props> = () => Promise<Readonly<Record<Name, ComponentType<Props>>>>;

interface Meanwhile {
  readonly meanwhile: ReactNode;
}

interface Closing {
  readonly onClose: () => void;
}

/**
 * Like React's `lazy`, except that code that could not be loaded is asked for again, and that until then the page stays. The router's own
 * way loads the whole page again, which loses it while the server is away.
 */
function late<Name extends string, Props extends object>(
  load: Load<Name, Props>,
  name: Name,
  Missing: ComponentType<Props & MissingProps>,
): Late<Props> {
  let Component: ComponentType<Props> | undefined;
  let loading: Promise<void> | undefined;
  let isMissing = false;
  const preload = (): Promise<void> =>
    (loading ??= load()
      .then(
        (module) => {
          Component = module[name];
          delete LateComponent.preload;
          sessionStorage.removeItem(reloadedFor(name));
        },
        // Why is told by the browser; what to do about it, by what stands in.
        () => {
          isMissing = true;
        },
      )
      .finally(() => {
        loading = undefined;
      }));
  const LateComponent: Late<Props> = function LateComponent(props) {
    const [, setTries] = useState(0);
    if (Component !== undefined) return <Component {...props} />;
    if (!isMissing) use(preload());
    const again: MissingProps["again"] = async () => {
      readStylesAgain();
      await preload();
      const answers = Component === undefined && (await serverAnswers());
      // It may have come back in between.
      if (answers) await preload();
      setTries((tries) => tries + 1);
      if (Component !== undefined) return "here";
      return answers ? "gone" : "away";
    };
    return <Missing {...props} again={again} name={name} />;
  };
  LateComponent.preload = preload;
  return LateComponent;
}

/** Styles that came with code are asked for once only, whatever becomes of them. */
function readStylesAgain(): void {
  for (const link of document.querySelectorAll<HTMLLinkElement>('link[rel="stylesheet"]'))
    if (link.sheet === null) link.replaceWith(link.cloneNode());
}

/** Whether the server has the console at all. */
function serverAnswers(): Promise<boolean> {
  return fetch(document.baseURI, { cache: "no-store" }).then(
    ({ ok }) => ok,
    () => false,
  );
}

/** Where it is kept that the page was loaded again for this, so that it is not done over and over. */
const reloadedFor = (name: string): string => `tutti.reloaded.${name}`;

/** Tries whenever the connection is back; whether the server has no such code any more. */
function useAgain({ again }: MissingProps): { readonly isGone: boolean; readonly retry: () => Promise<void> } {
  const { status } = useConnection();
  const [isGone, setGone] = useState(false);
  const retry = (): Promise<void> => again().then((found) => setGone(found === "gone"));
  const onLive = useEffectEvent(retry);
  useEffect(() => {
    if (status === "live") void onLive();
  }, [status]);
  return { isGone, retry };
}

/** An upgrade gives code other names, and some browsers remember what failed: loading the page anew helps both, and nothing of it is lost. */
function MissingPage(props: MissingProps): ReactNode {
  const { isGone, retry } = useAgain(props);
  const key = reloadedFor(props.name);
  useEffect(() => {
    if (!isGone || sessionStorage.getItem(key) !== null) return;
    sessionStorage.setItem(key, "yes");
    location.reload();
  }, [isGone, key]);
  return (
    <Page title={isGone ? "This page could not be loaded" : "This page is not here yet"}>
      <NotHere what="page" isGone={isGone} onRetry={retry} />
    </Page>
  );
}

/** The page around it may hold what somebody is writing, so it is never loaded anew without being asked. */
function MissingPart(props: MissingProps): ReactNode {
  const { isGone, retry } = useAgain(props);
  return <NotHere what="part" isGone={isGone} onRetry={retry} />;
}

function MissingInstead({ meanwhile, again, name }: MissingProps & Meanwhile): ReactNode {
  useAgain({ again, name });
  return meanwhile;
}

/** It closes at once: it can be opened again as it was. */
function MissingWindow({ again, onClose }: MissingProps & Closing): ReactNode {
  const onOpen = useEffectEvent(async () => {
    const found = await again();
    if (found === "here") return;
    complain(
      found === "gone" ? GONE : new AppError("upstream", "wanted this window from the server, got no answer; open it again when it does"),
    );
    onClose();
  });
  useEffect(() => void onOpen(), []);
  return null;
}

const GONE = new AppError("not_found", "wanted code that the server has no more, it may have been upgraded; load the page again");

interface NotHereProps {
  readonly what: "page" | "part";
  readonly isGone: boolean;
  readonly onRetry: () => Promise<void>;
}

function NotHere({ what, isGone, onRetry }: NotHereProps): ReactNode {
  if (isGone) return <Failure error={GONE} onRetry={() => location.reload()} />;
  const retry = (): void => {
    reconnect();
    void onRetry();
  };
  return (
    <Empty icon={WifiOff} title={`This ${what} comes when the server is back`}>
      <p className="mb-3">
        It was not loaded yet when the server stopped answering. Start the server if it is yours, and leave this open: it comes by itself.
      </p>
      <Button onClick={retry}>Try again</Button>
    </Empty>
  );
}

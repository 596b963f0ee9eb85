import { queryOptions, useQuery } from "@tanstack/react-query";
import { AppError } from "@tutti/core";
import type { SessionReply } from "@tutti/client";
import { useEffect, useState, type ReactNode } from "react";
import { disconnect, reconnect, useConnection } from "./feed.ts";
import { forgetKept } from "./kept-state.ts";
import { queryClient } from "./query-client.ts";
import { client, keepCsrfToken } from "./server.ts";
import { SignIn } from "./sign-in.tsx";
import { Failure } from "./parts/states.tsx";
import { forgetTab } from "./tab-storage.ts";

/** The one-time code of the link that opened the page, until it has been tried. */
let code = takeCode();

const sessionQuery = queryOptions({
  queryKey: ["session"],
  queryFn: enter,
  staleTime: Number.POSITIVE_INFINITY,
});

/** Shows the console to whoever is signed in, and the way in to everybody else, at any address: whoever signs in stays there. */
export function SessionGate({ children }: { readonly children: ReactNode }): ReactNode {
  const [wasIn, setWasIn] = useState(false);
  const session = useQuery(sessionQuery);
  const isSignedIn = session.data?.isSignedIn === true;
  if (isSignedIn && !wasIn) setWasIn(true);
  if (isSignedIn)
    return (
      <>
        <SessionEnd />
        {children}
      </>
    );
  // As in index.html: it stays where it is until it is known what to show.
  if (session.data === undefined && session.error === null)
    return <p className="grid min-h-dvh place-items-center text-[13px] text-ink-2">Tutti is opening …</p>;
  const error = session.error === null ? undefined : AppError.from(session.error);
  if (error === undefined || error.code === "unauthorized") return <SignIn problem={error?.message} wasIn={wasIn} onSignedIn={welcome} />;
  return (
    <main className="mx-auto max-w-lg p-8">
      <Failure error={error} onRetry={() => session.refetch()} />
    </main>
  );
}

/** Ends this browser's session. */
export async function leave(): Promise<void> {
  await client.signOut();
  forgetTab();
  forget();
}

/** A session that ended elsewhere, or by its age, ends here too: the live feed is told of it, and so is whoever asks for anything. */
function SessionEnd(): ReactNode {
  const { isSignedOut } = useConnection();
  useEffect(() => {
    // Another tab may have signed in anew, which ended the session that this one was live with.
    if (isSignedOut) return void isStillIn().then((isIn) => isIn && reconnect());
    const listening = [
      queryClient.getQueryCache().subscribe((event) => {
        if (event.type === "updated" && event.action.type === "error" && !isSession(event.query.queryKey)) void endAt(event.action.error);
      }),
      queryClient.getMutationCache().subscribe((event) => {
        if (event.type === "updated" && event.action.type === "error") void endAt(event.action.error);
      }),
    ];
    return () => listening.forEach((end) => end());
  }, [isSignedOut]);
  return null;
}

/** A server that Tutti asks, such as one of MCP, may have said so too: whether this browser is signed in, only its session tells. */
async function endAt(error: unknown): Promise<void> {
  if (AppError.from(error).code === "unauthorized") await isStillIn();
}

/** A tab that signs in ends the session before, and its new cookie comes a moment after that is told. */
const COOKIE_MS = 500;

/** Asks who this browser is now, and lets go of everything when it is nobody. A server that cannot be reached ends nothing. */
async function isStillIn(): Promise<boolean> {
  const isIn = (await isKnown()) || (await new Promise((resolve) => setTimeout(resolve, COOKIE_MS)).then(isKnown));
  if (!isIn) forget();
  return isIn;
}

function isKnown(): Promise<boolean> {
  return client.session().then(
    (session) => {
      if (session.isSignedIn) keepCsrfToken(session.csrfToken);
      return session.isSignedIn;
    },
    (thrown: unknown) => AppError.from(thrown).code !== "unauthorized",
  );
}

const isSession = (queryKey: readonly unknown[]): boolean => queryKey[0] === sessionQuery.queryKey[0];

/** Nothing that was shown stays for whoever comes next. */
function forget(): void {
  keepCsrfToken(null);
  disconnect();
  queryClient.setQueryData<SessionReply>(sessionQuery.queryKey, { isSignedIn: false, session: null, csrfToken: null });
  queryClient.removeQueries({ predicate: ({ queryKey }) => !isSession(queryKey) });
  queryClient.getMutationCache().clear();
}

function welcome(signedIn: SessionReply): void {
  // What was opened and read for the session before is none of this one's. A page that was shown then keeps its own as it goes.
  disconnect();
  forgetKept();
  keepCsrfToken(signedIn.csrfToken);
  queryClient.setQueryData(sessionQuery.queryKey, signedIn);
}

/** Who this browser is; a one-time code that the address brought is taken first. One that is good no more says so to whoever is not in. */
async function enter(): Promise<SessionReply> {
  const untried = code;
  code = undefined;
  const signedIn = untried === undefined ? await client.session() : await redeem(untried);
  keepCsrfToken(signedIn.csrfToken);
  return signedIn;
}

async function redeem(code: string): Promise<SessionReply> {
  try {
    return await client.signIn({ code });
  } catch (refused) {
    const session = await client.session();
    if (session.isSignedIn) return session;
    throw refused;
  }
}

/** The code of a link that signs in once. It leaves the address at once, so that no history keeps it. */
function takeCode(): string | undefined {
  const code = new URLSearchParams(location.hash.slice(1)).get("code");
  if (code === null) return undefined;
  history.replaceState(history.state, "", location.pathname + location.search);
  return code;
}

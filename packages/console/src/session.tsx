import { useQuery } from "@tanstack/react-query";
import { AppError } from "@tutti/core";
import type { SessionReply } from "@tutti/client";
import { useState, type ReactNode } from "react";
import { reconnect } from "./feed.ts";
import { queryClient } from "./query-client.ts";
import { client, keepCsrfToken } from "./server.ts";
import { SignIn } from "./sign-in.tsx";
import { Failure } from "./parts/states.tsx";

const KEY = ["session"];

/** Shows the console to whoever is signed in, and the way in to everybody else. */
export function SessionGate({ children }: { readonly children: ReactNode }): ReactNode {
  const [code] = useState(takeCode);
  const session = useQuery({ queryKey: KEY, queryFn: () => enter(code), staleTime: Number.POSITIVE_INFINITY });
  if (session.data !== undefined) return children;
  if (session.error === null) return null;
  const error = AppError.from(session.error);
  if (error.code === "unauthorized") return <SignIn problem={code === undefined ? undefined : error.message} onSignedIn={welcome} />;
  return (
    <main className="mx-auto max-w-lg p-8">
      <Failure error={error} onRetry={() => session.refetch()} />
    </main>
  );
}

/** Ends this browser's session. */
export async function leave(): Promise<void> {
  await client.signOut();
  queryClient.clear();
  await queryClient.resetQueries({ queryKey: KEY });
}

function welcome(signedIn: SessionReply): void {
  keepCsrfToken(signedIn.csrfToken);
  queryClient.setQueryData(KEY, signedIn);
  reconnect();
}

/** Who this browser is; a one-time code that the address brought is taken first. */
async function enter(code: string | undefined): Promise<SessionReply> {
  const signedIn = code === undefined ? await client.session() : await client.signIn({ code }).catch(() => client.session());
  keepCsrfToken(signedIn.csrfToken);
  return signedIn;
}

/** The code of a link that signs in once. It leaves the address at once, so that no history keeps it. */
function takeCode(): string | undefined {
  const code = new URLSearchParams(location.hash.slice(1)).get("code");
  if (code === null) return undefined;
  history.replaceState(history.state, "", location.pathname + location.search);
  return code;
}

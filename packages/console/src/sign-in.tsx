import type { SessionReply } from "@tutti/client";
import { AppError } from "@tutti/core";
import { useState, type ReactNode } from "react";
import { useAction } from "./action.ts";
import { Button } from "./parts/button.tsx";
import { TextField } from "./parts/fields.tsx";
import { client } from "./server.ts";

/** Lets a person in with the owner's token. It is sent once and kept nowhere in the browser. */
export function SignIn({
  problem,
  wasIn,
  onSignedIn,
}: {
  /** Why nobody is in yet, such as a link that is good no more. */
  readonly problem: string | undefined;
  /** Whether this page was open to somebody until now. */
  readonly wasIn: boolean;
  readonly onSignedIn: (signedIn: SessionReply) => void;
}): ReactNode {
  const [token, setToken] = useState("");
  const signingIn = useAction({ mutationFn: () => client.signIn({ token: token.trim() }), onSuccess: onSignedIn });
  return (
    <main className="grid min-h-dvh place-items-center bg-[radial-gradient(60%_50%_at_50%_0%,var(--glow),transparent)] p-6">
      <form
        aria-label="Sign in"
        className="panel flex w-full max-w-sm flex-col gap-4 p-6 shadow-2xl"
        onSubmit={(event) => {
          event.preventDefault();
          signingIn.mutate();
        }}
      >
        <img src="./icon.svg" alt="" className="size-10" />
        <div>
          <h1 className="text-lg font-semibold">Tutti</h1>
          <p className="mt-1 text-[13px] text-ink-2">
            Sign in with the owner's token, which <code className="font-mono text-ink">tutti up</code> showed at its first start. A link
            that signs you in without it: <code className="font-mono text-ink">tutti open</code>.
          </p>
        </div>
        {problem !== undefined && signingIn.error === null && (
          <p role="alert" className="rounded-md border border-orange bg-ground-2 px-3 py-2 text-[13px] text-ink">
            <span className="block font-medium">The link that you opened signs nobody in:</span>
            <span dir="auto">{problem}</span>
          </p>
        )}
        {wasIn && (
          <p role="status" className="text-[13px] text-ink">
            You are signed out. Sign in, and you are back at this page.
          </p>
        )}
        <TextField
          label="Token"
          type="password"
          autoComplete="current-password"
          autoFocus
          required
          value={token}
          problem={signingIn.error === null ? undefined : AppError.from(signingIn.error).message}
          onChange={(event) => setToken(event.target.value)}
        />
        <Button type="submit" tone="primary" isBusy={signingIn.isPending} disabled={token.trim() === ""}>
          Sign in
        </Button>
      </form>
    </main>
  );
}

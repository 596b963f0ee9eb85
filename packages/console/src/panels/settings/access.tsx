import { queryOptions, useQuery, useQueryClient } from "@tanstack/react-query";
import type { SessionEntry } from "@tutti/client";
import { Monitor } from "lucide-react";
import { useMemo, useState, type ReactNode } from "react";
import { useAction } from "../../action.ts";
import { Badge } from "../../parts/badge.tsx";
import { Button } from "../../parts/button.tsx";
import { Confirm } from "../../parts/confirm.tsx";
import { Panel } from "../../parts/page.tsx";
import { Queried } from "../../parts/queried.tsx";
import { Empty } from "../../parts/states.tsx";
import { Moment } from "../../parts/time.tsx";
import { complain, say } from "../../parts/toasts.tsx";
import { client } from "../../server.ts";
import { leave } from "../../session.tsx";
import { browserWords } from "./browser-words.ts";
import { useActions, type ShellAction } from "../../shell/actions.ts";
import { SecretWindow } from "./secret-window.tsx";

const sessionsQuery = queryOptions({
  queryKey: ["sessions"],
  queryFn: async ({ signal }) => {
    const [all, own] = await Promise.all([client.sessions(signal), client.session(signal)]);
    return { all, ownId: own.session?.id };
  },
});

/** The owner's token, and the browsers that are signed in. */
export function Access(): ReactNode {
  return (
    <>
      <Sessions />
      <Token />
    </>
  );
}

function Sessions(): ReactNode {
  const sessions = useQuery(sessionsQuery);
  const [link, setLink] = useState<string>();
  const inviting = useAction({ mutationFn: () => client.invite(), onSuccess: ({ signInUrl }) => setLink(signInUrl), onError: complain });
  return (
    <Panel
      title="Signed-in browsers"
      actions={
        <>
          <Button onClick={() => inviting.mutate()} isBusy={inviting.isPending}>
            Sign in another
          </Button>
          <Button onClick={() => void leave().catch(complain)}>Sign out here</Button>
        </>
      }
    >
      <Queried query={sessions}>
        {({ all, ownId }) =>
          all.length === 0 ? (
            <Empty icon={Monitor} title="No browser is signed in">
              This server asks for no token.
            </Empty>
          ) : (
            <ul className="-my-2 flex flex-col">
              {all.map((session) => (
                <SessionLine key={session.id} session={session} isOwn={session.id === ownId} />
              ))}
            </ul>
          )
        }
      </Queried>
      {link !== undefined && (
        <SecretWindow
          title="A link that signs in one browser, once"
          about="It is good for ten minutes. Whoever opens it first is signed in as you."
          secret={link}
          label="Copy the link"
          onClose={() => setLink(undefined)}
        />
      )}
    </Panel>
  );
}

function SessionLine({
  session: { id, agent, createdAt, expiresAt },
  isOwn,
}: {
  readonly session: SessionEntry;
  readonly isOwn: boolean;
}): ReactNode {
  const queries = useQueryClient();
  const ending = useAction({
    mutationFn: () => client.endSession(id),
    // It leaves the list at once, and comes back when the server refuses.
    onMutate: async () => {
      await queries.cancelQueries({ queryKey: sessionsQuery.queryKey });
      const before = queries.getQueryData(sessionsQuery.queryKey);
      queries.setQueryData(sessionsQuery.queryKey, (known) => known && { ...known, all: known.all.filter((one) => one.id !== id) });
      return before;
    },
    onSuccess: () => say("That browser is signed out"),
    onError: (error, _, before) => {
      queries.setQueryData(sessionsQuery.queryKey, before);
      complain(error);
    },
    onSettled: () => queries.invalidateQueries(sessionsQuery),
  });
  return (
    <li className="flex items-center gap-3 border-b border-line/60 py-2 text-[13px] last:border-0">
      <span className="min-w-0 grow">
        <span className="block truncate" dir="auto" title={agent}>
          {browserWords(agent)}
        </span>
        <span className="text-xs text-ink-3">
          signed in <Moment at={createdAt} />, ends <Moment at={expiresAt} />
        </span>
      </span>
      {isOwn ? (
        <Badge accent="green">this one</Badge>
      ) : (
        <Button onClick={() => ending.mutate()} isBusy={ending.isPending}>
          Sign out
        </Button>
      )}
    </li>
  );
}

function Token(): ReactNode {
  const [isAsking, setAsking] = useState(false);
  const [token, setToken] = useState<string>();
  const actions = useMemo(
    (): readonly ShellAction[] => [
      { id: "new token", title: "Make a new token …", group: "Access", words: "rotate secret", run: () => setAsking(true) },
    ],
    [],
  );
  useActions(actions);
  return (
    <Panel title="The owner's token">
      <p className="pb-3 text-[13px] text-ink-2">
        Everything can be done with it. If somebody may have seen it, make a new one: the old one is refused from then on, and programs that
        use it have to be told.
      </p>
      <Button tone="danger" onClick={() => setAsking(true)}>
        Make a new token
      </Button>
      <Confirm
        title="Make a new token?"
        about="The old one opens nothing any more. Browsers stay signed in."
        verb="Make a new token"
        done="The old token is refused now"
        isDangerous
        isOpen={isAsking}
        onClose={() => setAsking(false)}
        act={async () => setToken((await client.rotateToken()).token)}
      />
      {token !== undefined && (
        <SecretWindow
          title="The new token"
          about="It is shown this once."
          secret={token}
          label="Copy the token"
          onClose={() => setToken(undefined)}
        />
      )}
    </Panel>
  );
}

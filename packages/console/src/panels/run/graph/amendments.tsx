import type { Json } from "@tutti/core";
import { AMENDED_EVENT, amendmentWords, type AmendmentReading, type GraphDifference } from "@tutti/core/graph";
import type { ReactNode } from "react";
import { Badge } from "../../../parts/badge.tsx";
import { fieldsOf } from "../../../parts/json-fields.ts";
import { Moment } from "../../../parts/time.tsx";
import { Difference, isEmpty } from "./difference.tsx";

/** What people have changed of the graph while it ran. */
export function Amendments({ amendments }: { readonly amendments: readonly AmendmentReading[] }): ReactNode {
  if (amendments.length === 0) return null;
  return (
    <section aria-label="Amendments" className="flex max-h-60 flex-col gap-2 overflow-y-auto">
      <h3 className="text-xs font-semibold text-ink-2">Amendments</h3>
      <ul className="flex flex-col gap-2">
        {amendments.map(({ id, at, isAccepted, data }) => (
          <li key={id} className="panel flex flex-col gap-2 p-3 text-[13px]">
            <span className="flex items-center gap-2">
              <Badge accent={isAccepted ? "green" : "red"}>{isAccepted ? "taken over" : "refused"}</Badge>
              <Moment at={at} />
            </span>
            {isAccepted ? <Taken data={data} /> : <Refused data={data} />}
          </li>
        ))}
      </ul>
    </section>
  );
}

/** What the log says of an amendment that was taken over. */
function Taken({ data }: { readonly data: Json }): ReactNode {
  const lists = (name: string): readonly string[] => listOf(data, name).filter((id) => typeof id === "string");
  const changes: GraphDifference = {
    added: lists("added"),
    removed: lists("removed"),
    replaced: lists("replaced"),
    connected: lists("connected"),
    disconnected: lists("disconnected"),
    fields: lists("fields"),
  };
  return isEmpty(changes) ? <p>It {amendmentWords(AMENDED_EVENT, data)}.</p> : <Difference changes={changes} />;
}

function Refused({ data }: { readonly data: Json }): ReactNode {
  const messages = listOf(data, "problems").flatMap((problem) => {
    const { message } = fieldsOf(problem);
    return typeof message === "string" ? [message] : [];
  });
  return (
    <ul className="flex flex-col gap-1" dir="auto">
      {[...new Set(messages)].map((message) => (
        <li key={message} className="break-words">
          {message}
        </li>
      ))}
    </ul>
  );
}

function listOf(data: Json, name: string): readonly Json[] {
  const list = fieldsOf(data)[name];
  return Array.isArray(list) ? list : [];
}

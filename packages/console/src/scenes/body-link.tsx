import { Link } from "@tanstack/react-router";
import type { FocusEvent, KeyboardEvent, ReactNode } from "react";
import type { Body } from "./sky.ts";

/** The page that is about a body of the sky. */
export function addressOf({ kind, name }: Pick<Body, "kind" | "name">): {
  readonly to: string;
  readonly search?: Readonly<Record<string, string>>;
} {
  switch (kind) {
    case "agent":
      return { to: `/agents/${encodeURIComponent(name)}` };
    case "workflow":
      return { to: `/workflows/${encodeURIComponent(name)}` };
    case "model":
      return { to: "/settings/models", search: { q: name } };
    case "tool":
      return { to: "/settings/policy", search: { tool: name } };
  }
}

interface BodyLinkProps {
  readonly body: Body;
  readonly tabIndex: number;
  readonly onFocus: (event: FocusEvent) => void;
  readonly onKeyDown: (event: KeyboardEvent) => void;
  readonly className: string;
  readonly children: ReactNode;
}

/** The way to it. */
export function BodyLink({ body, ...rest }: BodyLinkProps): ReactNode {
  return <Link {...addressOf(body)} aria-label={`${body.kind} ${body.name}`} {...rest} />;
}

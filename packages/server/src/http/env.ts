import type { HttpBindings } from "@hono/node-server";
import type { Principal } from "@tutti/core";
import type { Context } from "hono";
import type { Stays } from "./stays.ts";

/**
 * What a handler finds on its context. The node request and response are there for what must not be copied. `door`: whose door the request
 * came through, when it came from a jail.
 */
export interface HttpEnv {
  readonly Bindings: HttpBindings & { readonly door?: Principal };
  readonly Variables: { readonly requestId: string; readonly principal: Principal; readonly stays: Stays };
}

/** A handler's context. */
export type HttpContext = Context<HttpEnv>;

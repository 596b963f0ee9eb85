import type { Json, Principal } from "@tutti/core";
import type { JailSpec } from "@tutti/core/sandbox";

/** A server whose tools are used, with its secrets in place. */
export interface ServerSpec {
  readonly name: string;
  readonly reach: Reach;
  readonly tools?: readonly string[] | undefined;
  readonly effects: Readonly<Record<string, "read" | "write" | "execute">>;
  readonly isTrusted: boolean;
  readonly canSample: boolean;
  readonly roots: readonly string[];
  readonly callTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly requestsPerSecond: number;
  /** How often its program may be started in an hour, where it is one. */
  readonly startsPerHourMax: number;
  readonly parallelMax: number;
}

/** How a server is reached: a program over its stdio, or an address over HTTP. */
export type Reach =
  | {
      readonly type: "stdio";
      readonly command: string;
      readonly args: readonly string[];
      readonly env: Readonly<Record<string, string>>;
      readonly place: Place;
    }
  | { readonly type: "http"; readonly url: string; readonly auth: HttpAuth };

/** Where a program runs. */
export type Place =
  | { readonly type: "process"; readonly cwd: string }
  | {
      readonly type: "jail";
      /** One of `mounts`, or inside of one; its volume when left out. */
      readonly cwd?: string;
      readonly mounts: readonly { readonly path: string; readonly isWritable: boolean }[];
      /** Bounds of what it uses and how long it lives; the sandbox's own where left out. */
      readonly bounds: Pick<JailSpec, "volume" | "lifetimeMs" | "limits">;
    };

/** How Tutti shows who it is over HTTP. */
export type HttpAuth =
  | { readonly type: "none" }
  | { readonly type: "bearer"; readonly token: string }
  | {
      readonly type: "client-credentials";
      readonly clientId: string;
      readonly clientSecret: string;
      readonly issuer: string;
      readonly scope?: string | undefined;
    }
  | {
      readonly type: "oauth";
      readonly clientId?: string | undefined;
      readonly clientSecret?: string | undefined;
      readonly scope?: string | undefined;
      /** Where the person's browser comes back to. */
      readonly redirectUrl: string;
    };

/** The call of a tool during which a server asks for something. */
export interface AskingCall {
  readonly server: string;
  readonly tool: string;
  readonly runId: string;
  readonly principal: Principal;
}

/** What a server wants to know of a person: a form as JSON Schema, or a page they should open. */
export interface Question {
  readonly message: string;
  readonly schema?: Json;
  readonly url?: string;
}

/** What the person said. */
export type QuestionAnswer =
  | { readonly action: "accept"; readonly content: Readonly<Record<string, string | number | boolean | string[]>> }
  | { readonly action: "decline" | "cancel" };

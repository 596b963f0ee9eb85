import type { Json, Principal } from "@tutti/core";

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
  readonly parallelMax: number;
}

/** How a server is reached: a program over its stdio, or an address over HTTP. */
export type Reach =
  | {
      readonly type: "stdio";
      readonly command: string;
      readonly args: readonly string[];
      readonly cwd: string;
      readonly env: Readonly<Record<string, string>>;
      readonly isolation: "jail" | "process";
      readonly mounts: readonly { readonly path: string; readonly isWritable: boolean }[];
    }
  | { readonly type: "http"; readonly url: string; readonly auth: HttpAuth };

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

import type {
  CallToolResult,
  CompleteRequestParams,
  GetPromptResult,
  InputRequiredResult,
  Prompt,
  ReadResourceResult,
  RequestStateCodec,
  Resource,
  ResourceTemplateType,
  ServerContext,
  Tool,
} from "@modelcontextprotocol/server";
import type { Principal } from "@tutti/core";

/** Something in an offer that is no longer what it was. */
export type OfferChange =
  | { readonly kind: "tools" }
  | { readonly kind: "prompts" }
  | { readonly kind: "resources" }
  | { readonly kind: "resource"; readonly uri: string };

/** One request of a client: who asks, and the way back to them while it is under way. */
export interface McpCall {
  readonly principal: Principal;
  readonly context: ServerContext;
  /** Whether the client can ask a person a question. */
  readonly canElicit: boolean;
  /** Seals what a client has to bring back, for this principal. */
  readonly seal: RequestStateCodec<SealedState>["mint"];
}

/** What a client brings back when a call goes on after a question. */
export type SealedState = Readonly<Record<string, string>>;

/** The arguments of a call, as they came. */
type McpArguments = Readonly<Record<string, unknown>>;

/**
 * What is offered over the protocol, apart from how it is carried: both revisions, HTTP and stdio, serve the same. Lists hold what the
 * principal may use. Unknown names are `ProtocolError`s with the codes of the specification.
 */
export interface McpOffer {
  readonly instructions: string;
  tools(principal: Principal): Promise<readonly Tool[]>;
  callTool(name: string, args: McpArguments, call: McpCall): Promise<CallToolResult | InputRequiredResult>;
  prompts(principal: Principal): Promise<readonly Prompt[]>;
  getPrompt(name: string, args: Readonly<Record<string, string>>, call: McpCall): Promise<GetPromptResult | InputRequiredResult>;
  resources(principal: Principal): Promise<readonly Resource[]>;
  templates(principal: Principal): Promise<readonly ResourceTemplateType[]>;
  read(uri: string, principal: Principal): Promise<ReadResourceResult>;
  complete(params: CompleteRequestParams, principal: Principal): Promise<readonly string[]>;
  /** Tells of changes. Listeners must not throw. */
  watch(listener: (change: OfferChange) => void): Disposable;
}

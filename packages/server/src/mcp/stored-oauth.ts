import { randomBytes } from "node:crypto";
import {
  StreamableHTTPClientTransport,
  type OAuthClientInformationContext,
  type OAuthClientMetadata,
  type OAuthClientProvider,
  type OAuthDiscoveryState,
  type StoredOAuthClientInformation,
  type StoredOAuthTokens,
} from "@modelcontextprotocol/client";
import { AppError, type Json } from "@tutti/core";
import { boundedFetch } from "./bounded-fetch.ts";
import type { HttpAuth } from "./server-spec.ts";

/** Where what a login gave is kept between starts. */
interface Keeping {
  load(): Promise<Json | undefined>;
  save(value: Json): Promise<void>;
}

interface Kept {
  readonly client?: StoredOAuthClientInformation;
  readonly tokens?: StoredOAuthTokens;
  readonly verifier?: string;
  readonly state?: string;
  readonly discovery?: OAuthDiscoveryState;
}

/**
 * A login with an authorization code and PKCE (RFC 7636), as a person's browser makes it: tokens, the registration and what a login under
 * way needs are kept, so that it is made once.
 */
export class StoredOAuth implements OAuthClientProvider {
  readonly redirectUrl: string;
  readonly clientMetadataUrl?: string;
  readonly #auth: HttpAuth & { readonly type: "oauth" };
  readonly #keeping: Keeping;
  readonly #onLogin: (url: URL) => void;
  #kept: Kept | undefined;

  constructor(
    auth: HttpAuth & { readonly type: "oauth" },
    keeping: Keeping,
    options: { readonly onLogin: (url: URL) => void; readonly clientMetadataUrl?: string },
  ) {
    this.redirectUrl = auth.redirectUrl;
    this.#auth = auth;
    this.#keeping = keeping;
    this.#onLogin = options.onLogin;
    if (options.clientMetadataUrl !== undefined) this.clientMetadataUrl = options.clientMetadataUrl;
  }

  get clientMetadata(): OAuthClientMetadata {
    const { scope } = this.#auth;
    return {
      client_name: "Tutti",
      redirect_uris: [this.redirectUrl],
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      ...(scope !== undefined && { scope }),
    };
  }

  /** One that belongs to this login; whoever comes back has to bring it. */
  async state(): Promise<string> {
    const state = randomBytes(24).toString("base64url");
    await this.#change({ state });
    return state;
  }

  async isState(state: string | null): Promise<boolean> {
    const { state: kept } = await this.#read();
    return state !== null && kept === state;
  }

  async clientInformation(context?: OAuthClientInformationContext): Promise<StoredOAuthClientInformation | undefined> {
    const { clientId, clientSecret } = this.#auth;
    if (clientId !== undefined) return { client_id: clientId, ...(clientSecret !== undefined && { client_secret: clientSecret }) };
    const { client } = await this.#read();
    return belongsTo(client, context) ? client : undefined;
  }

  async saveClientInformation(client: StoredOAuthClientInformation): Promise<void> {
    await this.#change({ client });
  }

  async tokens(context?: OAuthClientInformationContext): Promise<StoredOAuthTokens | undefined> {
    const { tokens } = await this.#read();
    return belongsTo(tokens, context) ? tokens : undefined;
  }

  async saveTokens(tokens: StoredOAuthTokens): Promise<void> {
    await this.#change({ tokens });
  }

  redirectToAuthorization(url: URL): void {
    this.#onLogin(url);
  }

  async saveCodeVerifier(verifier: string): Promise<void> {
    await this.#change({ verifier });
  }

  async codeVerifier(): Promise<string> {
    return (await this.#read()).verifier ?? "";
  }

  async saveDiscoveryState(discovery: OAuthDiscoveryState): Promise<void> {
    await this.#change({ discovery });
  }

  async discoveryState(): Promise<OAuthDiscoveryState | undefined> {
    return (await this.#read()).discovery;
  }

  async invalidateCredentials(scope: "all" | "client" | "tokens" | "verifier" | "discovery"): Promise<void> {
    const { client, tokens, verifier, discovery } = await this.#read();
    const left = {
      ...(client !== undefined && scope !== "all" && scope !== "client" && { client }),
      ...(tokens !== undefined && scope !== "all" && scope !== "tokens" && { tokens }),
      ...(verifier !== undefined && scope !== "all" && scope !== "verifier" && { verifier }),
      ...(discovery !== undefined && scope !== "all" && scope !== "discovery" && { discovery }),
    };
    await this.#write(left);
  }

  /** Forgets what belonged to one login: its state is good once, and the next one asks anew who gives out tokens. */
  async end(): Promise<void> {
    const { client, tokens } = await this.#read();
    await this.#write({ ...(client !== undefined && { client }), ...(tokens !== undefined && { tokens }) });
  }

  async #read(): Promise<Kept> {
    this.#kept ??= ((await this.#keeping.load()) ?? {}) as Kept;
    return this.#kept;
  }

  async #change(part: Kept): Promise<void> {
    await this.#write({ ...(await this.#read()), ...part });
  }

  async #write(kept: Kept): Promise<void> {
    this.#kept = kept;
    await this.#keeping.save(JSON.parse(JSON.stringify(kept)) as Json);
  }
}

/** What one issuer gave is for no other (RFC 9207): a server that names another one begins anew. */
function belongsTo(
  kept: { readonly issuer?: string | undefined } | undefined,
  context: OAuthClientInformationContext | undefined,
): boolean {
  return kept?.issuer === undefined || context === undefined || kept.issuer === context.issuer;
}

/** What another server says of an error is cut to this. */
const WHY_CHARACTERS_MAX = 200;

/** Ends a login: the code that the browser brought becomes tokens, if it comes from the issuer that was asked (RFC 9207). */
export async function finishLogin(
  oauth: StoredOAuth,
  { url, query }: { readonly url: string; readonly query: URLSearchParams },
): Promise<void> {
  const refused = query.get("error");
  if (refused !== null) {
    await oauth.end();
    const why = query.get("error_description") ?? refused;
    throw new AppError(
      "denied",
      `wanted a login, got a refusal: ${why.slice(0, WHY_CHARACTERS_MAX)}; begin again with \`tutti mcp login\``,
    );
  }
  const transport = new StreamableHTTPClientTransport(new URL(url), { fetch: boundedFetch, authProvider: oauth });
  try {
    await transport.finishAuth(query);
  } catch (error) {
    if (error instanceof AppError) throw error;
    const why = (error instanceof Error ? error.message : String(error)).slice(0, WHY_CHARACTERS_MAX);
    throw new AppError("upstream", `wanted tokens for the code of a login, got none: ${why}; begin again with \`tutti mcp login\``, {
      cause: error,
    });
  }
  await oauth.end();
}

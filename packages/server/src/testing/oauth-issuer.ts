import { createHash, randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey } from "jose";
import { startStandIn } from "./stand-in.ts";

/** A stand-in for a hosted login service; whoever comes to its page is taken for the person and says yes. */
export interface OAuthIssuer extends AsyncDisposable {
  readonly url: string;
  /** Every grant that became a token: "authorization_code", "client_credentials". */
  readonly granted: readonly string[];
  /** What was refused, and why. */
  readonly refused: readonly string[];
}

/** A program that may get tokens in its own name. */
export interface OAuthClient {
  readonly id: string;
  readonly secret: string;
}

interface Code {
  readonly clientId: string;
  readonly redirectUri: string;
  readonly challenge: string;
  readonly resource: string;
  readonly scope: string;
}

const TOKEN_SECONDS = 300;

/**
 * Starts it: server metadata (RFC 8414), registration of clients (RFC 7591), authorization codes with PKCE (RFC 7636) for a resource
 * (RFC 8707), client credentials, and JWTs with their keys. It refuses what such a service refuses: an address that was not registered, a
 * challenge that is not S256, a code that was used or whose verifier does not fit.
 */
export async function startOAuthIssuer(known: OAuthClient, resource: string): Promise<OAuthIssuer> {
  const { publicKey, privateKey } = await generateKeyPair("ES256");
  const keys = { keys: [{ ...(await exportJWK(publicKey)), kid: "k", alg: "ES256" }] };
  const issuer = new Issuer(known, resource, privateKey);
  const standIn = await startStandIn(async (request, response, received) => {
    const url = new URL(request.url ?? "/", standIn.origin);
    const path = `${request.method ?? ""} ${url.pathname}`;
    if (path === "GET /.well-known/oauth-authorization-server") return json(response, 200, metadata(standIn.origin));
    if (path === "GET /keys") return json(response, 200, keys);
    if (path === "POST /register") return json(response, 201, issuer.register(JSON.parse(received.toString()) as Registration));
    if (path === "GET /authorize") return redirect(response, issuer.authorize(url.searchParams, standIn.origin));
    if (path === "POST /token") {
      const answer = await issuer.token(new URLSearchParams(received.toString()), { request, origin: standIn.origin });
      return json(response, "error" in answer ? 400 : 200, answer);
    }
    return json(response, 404, { error: "not_found" });
  });
  return {
    url: standIn.origin,
    granted: issuer.granted,
    refused: issuer.refused,
    [Symbol.asyncDispose]: () => standIn[Symbol.asyncDispose](),
  };
}

interface Registration {
  readonly redirect_uris?: readonly string[];
}

type Answer = Readonly<Record<string, unknown>>;

class Issuer {
  readonly granted: string[] = [];
  readonly refused: string[] = [];
  readonly #known: OAuthClient;
  readonly #resource: string;
  readonly #key: CryptoKey;
  readonly #redirects = new Map<string, readonly string[]>();
  readonly #codes = new Map<string, Code>();

  constructor(known: OAuthClient, resource: string, key: CryptoKey) {
    this.#known = known;
    this.#resource = resource;
    this.#key = key;
  }

  register(asked: Registration): Answer {
    const id = `client-${randomBytes(6).toString("hex")}`;
    this.#redirects.set(id, asked.redirect_uris ?? []);
    return { ...asked, client_id: id, token_endpoint_auth_method: "none" };
  }

  /** Where the browser goes on to. */
  authorize(query: URLSearchParams, origin: string): string {
    const [clientId, redirectUri, challenge] = ["client_id", "redirect_uri", "code_challenge"].map((name) => query.get(name) ?? "");
    if (clientId === undefined || redirectUri === undefined || challenge === undefined) throw new Error("a page without its parameters");
    if (this.#redirects.get(clientId)?.includes(redirectUri) !== true) throw new Error(`${redirectUri} was not registered`);
    const back = new URL(redirectUri);
    back.searchParams.set("state", query.get("state") ?? "");
    back.searchParams.set("iss", origin);
    if (query.get("code_challenge_method") !== "S256" || query.get("resource") !== this.#resource) {
      this.refused.push("authorize");
      back.searchParams.set("error", "invalid_request");
      return back.href;
    }
    const code = randomBytes(12).toString("hex");
    this.#codes.set(code, { clientId, redirectUri, challenge, resource: this.#resource, scope: query.get("scope") ?? "" });
    back.searchParams.set("code", code);
    return back.href;
  }

  async token(form: URLSearchParams, { request, origin }: { readonly request: IncomingMessage; readonly origin: string }): Promise<Answer> {
    const grant = form.get("grant_type") ?? "";
    const scope = grant === "client_credentials" ? this.#byCredentials(form, request) : this.#byCode(form);
    if (scope === undefined) {
      this.refused.push(grant);
      return { error: "invalid_grant" };
    }
    this.granted.push(grant);
    const token = await new SignJWT({ scope, client_id: form.get("client_id") ?? this.#known.id })
      .setProtectedHeader({ alg: "ES256", kid: "k" })
      .setIssuer(origin)
      .setAudience(this.#resource)
      .setSubject("a-person")
      .setIssuedAt()
      .setExpirationTime(`${TOKEN_SECONDS} seconds`)
      .sign(this.#key);
    return { access_token: token, token_type: "Bearer", expires_in: TOKEN_SECONDS, scope };
  }

  /** The scope that a code stands for; a code is good once, for who began and can show the verifier. */
  #byCode(form: URLSearchParams): string | undefined {
    const code = this.#codes.get(form.get("code") ?? "");
    this.#codes.delete(form.get("code") ?? "");
    const challenge = createHash("sha256")
      .update(form.get("code_verifier") ?? "")
      .digest("base64url");
    const fits = code?.challenge === challenge && code.clientId === form.get("client_id") && code.redirectUri === form.get("redirect_uri");
    return fits ? code.scope : undefined;
  }

  #byCredentials(form: URLSearchParams, { headers }: IncomingMessage): string | undefined {
    const { id, secret } = this.#known;
    const basic = `Basic ${Buffer.from(`${id}:${secret}`).toString("base64")}`;
    const fits = headers.authorization === basic || (form.get("client_id") === id && form.get("client_secret") === secret);
    return fits ? (form.get("scope") ?? "") : undefined;
  }
}

function metadata(origin: string): Answer {
  return {
    issuer: origin,
    authorization_endpoint: `${origin}/authorize`,
    token_endpoint: `${origin}/token`,
    registration_endpoint: `${origin}/register`,
    jwks_uri: `${origin}/keys`,
    response_types_supported: ["code"],
    grant_types_supported: ["authorization_code", "client_credentials"],
    code_challenge_methods_supported: ["S256"],
    token_endpoint_auth_methods_supported: ["none", "client_secret_basic", "client_secret_post"],
    authorization_response_iss_parameter_supported: true,
  };
}

function json(response: ServerResponse, status: number, body: Answer): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

function redirect(response: ServerResponse, location: string): void {
  response.writeHead(302, { location }).end();
}

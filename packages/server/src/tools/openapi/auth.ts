import { AppError } from "@tutti/core";
import type { Credential } from "../secrets.ts";
import { objectIn, resolved, textIn, type ApiDocument } from "./document.ts";
import type { ApiOperation } from "./operations.ts";

/** Which secrets there are for a description, by security scheme. */
interface Known {
  readonly document: ApiDocument;
  readonly auth: Readonly<Record<string, { readonly secret: string; readonly user?: string | undefined }>>;
  readonly name: string;
}

/** What an operation is signed in with: the first of its requirements that can be met. Throws `invalid_config` when none can. */
export function credentialsFor(operation: ApiOperation, known: Known): readonly Credential[] {
  const { security } = operation;
  const met = security.find((requirement) => Object.keys(requirement).every((scheme) => Object.hasOwn(known.auth, scheme)));
  if (met !== undefined) return Object.keys(met).map((scheme) => credentialOf(scheme, known));
  if (security.length === 0) return [];
  const wanted = security.map((requirement) => Object.keys(requirement).join(" and ")).join(", or ");
  throw new AppError(
    "invalid_config",
    `${operation.id} of ${known.name} wants to be signed in with ${wanted}, got no secret for it; import it again with auth, such as --auth ${Object.keys(security[0] ?? {})[0] ?? "SCHEME"}=SECRET`,
  );
}

function credentialOf(scheme: string, { document, auth }: Known): Credential {
  const found = resolved(document, objectIn(objectIn(document.root, "components"), "securitySchemes")[scheme]);
  const { secret = "", user = "" } = auth[scheme] ?? {};
  const type = textIn(found, "type");
  switch (type) {
    case "apiKey": {
      const [name = "", place] = [textIn(found, "name"), textIn(found, "in")];
      return { type: place === "query" || place === "cookie" ? place : "header", name, secret };
    }
    case "http":
      return textIn(found, "scheme")?.toLowerCase() === "basic" ? { type: "basic", user, secret } : { type: "bearer", secret };
    case "oauth2":
    case "openIdConnect":
      return { type: "bearer", secret };
    case undefined:
    default:
      throw new AppError("unsupported", `wanted a security scheme that is known, got ${scheme} of type ${type ?? "none"}`);
  }
}

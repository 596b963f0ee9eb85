import { AppError } from "./error.ts";

/** Standard Schema v1 (standardschema.dev), so zod, valibot and arktype all fit. */
export interface Schema<T> {
  readonly "~standard": {
    validate(value: unknown): unknown;
    readonly types?: { readonly input: unknown; readonly output: T } | undefined;
  };
}

interface Issue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** The value as the schema types it, or `invalid_input` naming `what` and every place that does not fit. */
export async function parse<T>(schema: Schema<T>, value: unknown, what: string): Promise<T> {
  const result = (await schema["~standard"].validate(value)) as { readonly value: T } | { readonly issues: readonly Issue[] };
  if (!("issues" in result) || result.issues === undefined) return (result as { readonly value: T }).value;
  throw new AppError("invalid_input", `${what} does not fit its schema: ${result.issues.map(describe).join("; ")}`);
}

function describe({ message, path = [] }: Issue): string {
  const at = path.map((part) => String(typeof part === "object" ? part.key : part)).join(".");
  return at === "" ? message : `${at}: ${message}`;
}

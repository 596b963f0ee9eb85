import { createClient } from "@tutti/client";

/** Where the console is: "/admin/", or with what a proxy puts in front of it. */
export const basePath = new URL(document.baseURI).pathname;

/** Where the server is. */
export const baseUrl = new URL("..", document.baseURI);

let csrfToken: string | null = null;

/** The server that these pages came from. The session's cookie goes along by itself; what changes something shows the token too. */
export const client = createClient({ baseUrl, csrfToken: () => csrfToken ?? undefined });

/** Remembers what requests must show, in memory only. */
export function keepCsrfToken(token: string | null): void {
  csrfToken = token;
}

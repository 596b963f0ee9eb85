import { createClient, type SignedIn } from "@tutti/client";

/** Where the console is: "/admin/", or with what a proxy puts in front of it. */
export const basePath = new URL(document.baseURI).pathname;

let csrfToken: string | null = null;

/** The server that these pages came from. The session's cookie goes along by itself; what changes something shows the token too. */
export const client = createClient({
  baseUrl: new URL("..", document.baseURI),
  fetch: (input, init = {}) => {
    const headers = new Headers(init.headers);
    if (csrfToken !== null && init.method !== undefined && init.method !== "GET") headers.set("x-csrf-token", csrfToken);
    return fetch(input, { ...init, headers, credentials: "same-origin" });
  },
});

/** Remembers what requests must show, in memory only. */
export function keepCsrfTokenOf(signedIn: SignedIn): void {
  csrfToken = signedIn.csrfToken;
}

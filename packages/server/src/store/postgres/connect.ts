import { Client } from "pg";

/** How long a server may take to accept a connection. */
const CONNECT_TIMEOUT_MS = 5_000;
/** The server gives a statement up after this time; the driver gives the server up a little later. */
const STATEMENT_TIMEOUT_MS = 30_000;
const ANSWER_TIMEOUT_MS = 40_000;
/** How long a store that closes waits for a server that says nothing. */
export const LEAVE_MAX_MS = 3_000;

/** What every connection is opened with. */
export function connectionOptions(url: string) {
  return {
    connectionString: url,
    application_name: "tutti",
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    query_timeout: ANSWER_TIMEOUT_MS,
    keepAlive: true,
  };
}

/** Opens one connection. `onLost` is called when it ends, whoever ended it, and perhaps twice. */
export async function connect(url: string, onLost: (client: Client) => void): Promise<Client> {
  const client = new Client(connectionOptions(url));
  client.on("error", () => onLost(client));
  client.on("end", () => onLost(client));
  try {
    await client.connect();
    return client;
  } catch (error) {
    disconnect(client);
    throw error;
  }
}

/** Says goodbye and waits until the server has let go, for a while. */
export async function leave(client: Client): Promise<void> {
  const timer = setTimeout(() => disconnect(client), LEAVE_MAX_MS);
  await client.end().catch(() => undefined);
  clearTimeout(timer);
}

/** Lets go of a connection at once, whatever state it is in: `end` alone would wait for a server that is gone. */
export function disconnect(client: Client): void {
  client.end().catch(() => undefined);
  client.connection.stream.destroy();
}

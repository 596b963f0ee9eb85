import { connect, disconnect } from "./connect.ts";
import { nameOf, postgresError } from "./failure.ts";

/** Connects, looks and changes nothing. Returns what it found; throws what is wrong. */
export async function checkPostgres(url: string): Promise<string> {
  const name = nameOf(url);
  try {
    const client = await connect(url, () => undefined);
    try {
      const server = await client.query<{ server_version: string }>("SHOW server_version");
      const found = await client.query<{ found: boolean }>("SELECT to_regclass('tutti.versions') IS NOT NULL AS found");
      const state = found.rows[0]?.found === true ? "holds Tutti's schema" : "is empty, filled at the first start";
      return `${name} answers (PostgreSQL ${server.rows[0]?.server_version ?? ""}) and ${state}`;
    } finally {
      disconnect(client);
    }
  } catch (error) {
    throw postgresError(name, error);
  }
}

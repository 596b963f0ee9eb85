import type { Store } from "@tutti/core";
import { openPostgresStore, SqliteStore, type Survey, type Upkeep } from "../store/index.ts";
import type { Config } from "./config/index.ts";

/** The store the configuration names. */
export async function openStore(config: Config): Promise<Store & Upkeep & Survey> {
  if (config.store === "sqlite") return SqliteStore.open(config.dataDir);
  const store = await openPostgresStore(config.postgresUrl ?? "");
  if (config.engine !== "embedded") return store;
  try {
    // Two embedded engines on one database would take runs from each other; closing the store lets go.
    await store.hold("embedded engine");
    return store;
  } catch (error) {
    await store.close();
    throw error;
  }
}

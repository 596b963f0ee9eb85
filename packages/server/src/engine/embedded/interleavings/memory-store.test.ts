import { storeConformance, type StoreUnderTest } from "../../../store/conformance.ts";
import { Disk } from "./disk.ts";
import { MemoryStore } from "./memory-store.ts";

storeConformance("memory store of the interleaving tests", async () => openOn(new Disk()));

/** With nobody to say when, a write is committed in the next turn of the event loop. */
function openOn(disk: Disk): StoreUnderTest {
  const store: MemoryStore = new MemoryStore(disk, { onWrite: () => void setImmediate(() => store.commit()) });
  return {
    store,
    reopen: async () => {
      await store.close();
      return openOn(disk);
    },
    [Symbol.asyncDispose]: () => store.close(),
  };
}

/** What a shelf holds. */
export interface Stored {
  readonly sizeBytes: number;
  readonly expiresAt: number;
}

/** Bounds of all shelves, and of each. */
export interface ShelfBounds {
  readonly bytesMax: number;
  readonly tenantBytesMax: number;
}

interface Shelf<T> {
  /** The least recently used comes first. */
  readonly items: Map<string, T>;
  sizeBytes: number;
}

/** One shelf a tenant: nobody's answers reach another tenant, and nobody's push out all of another's. Least recently used goes first. */
export class Shelves<T extends Stored> {
  readonly #shelves = new Map<string, Shelf<T>>();
  readonly #bounds: ShelfBounds;
  readonly #removed: (item: T) => void;
  #sizeBytes = 0;
  #count = 0;

  /** `removed` hears of everything that goes, whatever the reason. */
  constructor(bounds: ShelfBounds, removed: (item: T) => void) {
    this.#bounds = bounds;
    this.#removed = removed;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get count(): number {
    return this.#count;
  }

  /** What is there and has not expired; it is the most recently used then. */
  get(tenant: string, key: string, now: number): T | undefined {
    const shelf = this.#shelves.get(tenant);
    const item = shelf?.items.get(key);
    if (shelf === undefined || item === undefined) return undefined;
    if (item.expiresAt <= now) {
      this.#remove(tenant, shelf, key);
      return undefined;
    }
    shelf.items.delete(key);
    shelf.items.set(key, item);
    return item;
  }

  /** Puts something in the place of what was there, and returns how many others had to go for it. */
  put(tenant: string, key: string, item: T): number {
    if (item.sizeBytes > Math.min(this.#bounds.tenantBytesMax, this.#bounds.bytesMax)) return 0;
    const shelf = this.#shelves.get(tenant) ?? { items: new Map<string, T>(), sizeBytes: 0 };
    this.#shelves.set(tenant, shelf);
    this.#remove(tenant, shelf, key);
    this.#shelves.set(tenant, shelf);
    shelf.items.set(key, item);
    this.#grow(shelf, item.sizeBytes, 1);
    let evicted = 0;
    for (; shelf.sizeBytes > this.#bounds.tenantBytesMax; evicted += 1) this.#removeOldest(tenant, shelf);
    for (; this.#sizeBytes > this.#bounds.bytesMax; evicted += 1) this.#removeOldest(...this.#largest());
    return evicted;
  }

  /** Empties one shelf, or all, and returns how many things were there. */
  clear(tenant?: string): number {
    const before = this.#count;
    for (const [name, shelf] of this.#shelves) {
      if (tenant !== undefined && tenant !== name) continue;
      for (const key of shelf.items.keys()) this.#remove(name, shelf, key);
    }
    return before - this.#count;
  }

  /** How much each tenant has. */
  tenants(): readonly { readonly tenant: string; readonly entries: number; readonly bytes: number }[] {
    return Array.from(this.#shelves, ([tenant, { items, sizeBytes }]) => ({ tenant, entries: items.size, bytes: sizeBytes }));
  }

  #largest(): [tenant: string, shelf: Shelf<T>] {
    let largest: [string, Shelf<T>] | undefined;
    for (const entry of this.#shelves) if (largest === undefined || entry[1].sizeBytes > largest[1].sizeBytes) largest = entry;
    return largest ?? ["", { items: new Map(), sizeBytes: 0 }];
  }

  #removeOldest(tenant: string, shelf: Shelf<T>): void {
    const [oldest] = shelf.items.keys();
    if (oldest !== undefined) this.#remove(tenant, shelf, oldest);
  }

  #remove(tenant: string, shelf: Shelf<T>, key: string): void {
    const item = shelf.items.get(key);
    if (item === undefined) return;
    shelf.items.delete(key);
    this.#grow(shelf, -item.sizeBytes, -1);
    if (shelf.items.size === 0) this.#shelves.delete(tenant);
    this.#removed(item);
  }

  #grow(shelf: Shelf<T>, bytes: number, count: number): void {
    shelf.sizeBytes += bytes;
    this.#sizeBytes += bytes;
    this.#count += count;
  }
}

/** More sources than this are not told apart: a run that has read any is tainted. */
const SOURCES_MAX = 100;

/** The untrusted content that a run has read, by source (the tools that gave it), in the order of first reading. It only grows. */
export class Taint {
  readonly #sources: Set<string>;

  constructor(...known: readonly (Iterable<string> | undefined)[]) {
    this.#sources = new Set(known.flatMap((sources) => [...(sources ?? [])]));
  }

  get sources(): readonly string[] {
    return [...this.#sources];
  }

  add(sources: Iterable<string>): void {
    for (const source of sources) if (this.#sources.size < SOURCES_MAX) this.#sources.add(source);
  }

  /** As a field of an event or of options; nothing when nothing untrusted was read. */
  get field(): { readonly tainted?: readonly string[] } {
    return fieldOf(this.sources);
  }
}

/** Sources as a field that is left out when there are none. */
export function fieldOf(sources: readonly string[] | undefined): { readonly tainted?: readonly string[] } {
  return sources === undefined || sources.length === 0 ? {} : { tainted: sources };
}

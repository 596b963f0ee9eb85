/** Programs that try what must not be possible. */
export interface Probes {
  readonly language: "python" | "javascript";
  /** Network, files, environment, links and processes; `facts` is where things are, as JSON. */
  readonly look: (facts: string) => string;
  readonly time: string;
  readonly memory: string;
  readonly output: string;
  readonly survivor: (mark: string) => string;
  readonly cpu: string;
}

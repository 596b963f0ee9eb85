/** Something that runs workflows of five steps, each step durable before the next begins. Its module exports `open(folder)`. */
export interface Subject extends AsyncDisposable {
  readonly name: string;
  readonly version: string;
  /** How it is set up, above all what makes a step durable. */
  readonly settings: string;
  /** Runs one workflow to its end; each of its five steps adds one to the input. */
  runWorkflow(input: number): Promise<number>;
}

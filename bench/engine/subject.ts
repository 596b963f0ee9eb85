/** Something that runs workflows of five steps, each step durable before the next begins. */
export interface Subject extends AsyncDisposable {
  readonly name: string;
  runWorkflow(input: number): Promise<void>;
}

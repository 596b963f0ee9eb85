/** Who wants something: a person, a key, or a run acting for one of them. */
export interface Principal {
  readonly id: string;
  readonly tenant: string;
  readonly roles: readonly string[];
}

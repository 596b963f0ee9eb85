/** What the server said about an input: by field, and what is about none of them. */
export interface InputProblems {
  readonly fields: Readonly<Record<string, string>>;
  readonly rest: string | undefined;
}

const INTRODUCTION = /^.*?does not fit its schema: /s;
const PLACE = /^([\w-]+(?:\.[\w-]+)*): (.+)$/s;

/** Takes a refusal such as "the input of pay does not fit its schema: amount: wanted a number; to.name: …" apart. Pure. */
export function readInputProblems(message: string, fields: readonly string[]): InputProblems {
  if (!INTRODUCTION.test(message)) return { fields: {}, rest: message };
  const known = new Set(fields);
  const found = new Map<string, string[]>();
  const rest: string[] = [];
  for (const part of message.replace(INTRODUCTION, "").split("; ")) {
    const [, place = "", what = ""] = PLACE.exec(part) ?? [];
    const [field = "", ...within] = place.split(".");
    if (known.has(field)) found.set(field, [...(found.get(field) ?? []), within.length === 0 ? what : `${within.join(".")}: ${what}`]);
    else rest.push(part);
  }
  return {
    fields: Object.fromEntries([...found].map(([field, problems]) => [field, problems.join("; ")])),
    rest: rest.length === 0 ? undefined : rest.join("; "),
  };
}

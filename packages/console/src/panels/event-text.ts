/** Each event's text is made once: a search looks at thousands of them whenever something comes. They go with their events. */
const TEXTS = new WeakMap<object, string>();

/** Whether a text stands anywhere in an event, whatever its case. */
export function standsIn(event: object, text: string): boolean {
  if (text === "") return true;
  let all = TEXTS.get(event);
  if (all === undefined) TEXTS.set(event, (all = JSON.stringify(event).toLowerCase()));
  return all.includes(text.toLowerCase());
}

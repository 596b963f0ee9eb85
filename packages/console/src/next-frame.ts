/** A page in the background draws no frames, also when it went there after it had asked for one; it still keeps up, a few times a second. */
const HIDDEN_MS = 250;

/** When the browser draws next: changes that come faster are drawn together. */
export function nextFrame(): Promise<unknown> {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const frame = requestAnimationFrame(() => {
    clearTimeout(timer);
    resolve(undefined);
  });
  const timer = setTimeout(() => {
    cancelAnimationFrame(frame);
    resolve(undefined);
  }, HIDDEN_MS);
  return promise;
}

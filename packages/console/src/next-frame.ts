/** A page in the background draws no frames; it still keeps up, a few times a second. */
const HIDDEN_MS = 250;

/** When the browser draws next: changes that come faster are drawn together. */
export function nextFrame(): Promise<unknown> {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  if (document.hidden) setTimeout(resolve, HIDDEN_MS);
  else requestAnimationFrame(resolve);
  return promise;
}

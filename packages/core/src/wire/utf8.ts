/** What every runtime has; declared here because core knows neither the DOM's types nor Node's. */
declare const TextDecoder: new (
  label: "utf-8",
  options: { readonly ignoreBOM: true },
) => {
  decode(bytes?: Uint8Array, options?: { readonly stream: boolean }): string;
};

const BYTE_ORDER_MARK = "\uFEFF";

/** Turns chunks into text: bytes may be cut inside a character, a byte order mark at the start is dropped, and text passes as it is. */
export function createUtf8Decoder(): (chunk: Uint8Array | string) => string {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let isAtStart = true;
  return (chunk) => {
    const text = typeof chunk === "string" ? decoder.decode() + chunk : decoder.decode(chunk, { stream: true });
    const isMarked = isAtStart && text.startsWith(BYTE_ORDER_MARK);
    isAtStart &&= text === "";
    return isMarked ? text.slice(1) : text;
  };
}

/** A WebSocket, as far as it is used: the browser's, Node's, another's, or a stream that is used like one. */
export interface LiveSocket {
  send(text: string): void;
  close(code?: number, reason?: string): void;
  addEventListener(
    type: "open" | "message" | "close" | "error",
    listener: (event: { readonly data?: unknown; readonly code?: number }) => void,
  ): void;
}

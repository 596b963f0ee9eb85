import type { Duplex } from "node:stream";
import { wireError } from "./problem.ts";

/** Closes a connection that wanted to be a WebSocket, with the status that says why not. */
export function refuseUpgrade(socket: Duplex, thrown: unknown): void {
  const { status, message, code } = wireError(thrown);
  const body = JSON.stringify({ error: { message, type: "invalid_request_error", param: null, code } });
  socket.end(
    `HTTP/1.1 ${status} Refused\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

/** Answers the server's requests in a process that `startProcess` started; it ends with the server. */
export function serveProcess<Request, Message extends object>(serve: (request: Request, tell: (message: Message) => void) => void): void {
  // Ctrl-C in a terminal reaches every process of its group; the server decides when its models end.
  process.on("SIGINT", () => {});
  process.once("disconnect", () => process.exit(0));
  process.on("message", (request) => serve(request as Request, tell));
}

function tell(message: object): void {
  process.send?.(message, undefined, undefined, () => {});
}

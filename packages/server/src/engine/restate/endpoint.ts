import { createServer, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { AppError } from "@tutti/core";
import type { DriverHost } from "./driver.ts";
import { runService } from "./service.ts";

/** Where Restate reaches this process, and whose requests it takes. */
export interface EndpointOptions {
  readonly host: string;
  readonly port: number;
  /** Public keys (`publickeyv1_…`): requests that none of them signed are refused. Without any, whoever reaches the port drives runs. */
  readonly identityKeys: readonly string[];
  readonly log: (level: "info" | "warn", message: string) => void;
}

/** The door through which Restate drives runs here. */
export interface Endpoint {
  readonly port: number;
  close(): Promise<void>;
}

/** Opens it. HTTP/2 both ways, so that a step's result is journaled without a new request. */
export async function openEndpoint(host: DriverHost, { identityKeys, log, ...address }: EndpointOptions): Promise<Endpoint> {
  const endpoint = host.sdk.endpoint().bind(runService(host));
  if (identityKeys.length > 0) endpoint.withIdentityV1(...identityKeys);
  endpoint.setLogger((meta, message, ...rest) => {
    // Attempts that break off are Restate's to try again; it is told of each.
    if (meta.level === "warn" || meta.level === "error") log("info", [message, ...rest].map(String).join(" "));
  });
  const server = createServer(endpoint.http2Handler());
  const sessions = new Set<ServerHttp2Session>();
  server.on("session", (session) => {
    sessions.add(session);
    session.on("close", () => sessions.delete(session));
    session.on("error", () => undefined);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) =>
      reject(
        new AppError(
          "port_in_use",
          `cannot listen on ${address.host}:${address.port} for Restate: ${String(cause)}; choose another address`,
          { cause },
        ),
      ),
    );
    server.listen(address.port, address.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const session of sessions) session.destroy();
      }),
  };
}

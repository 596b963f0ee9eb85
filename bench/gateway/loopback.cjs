// Loaded into a peer with --require: it listens on all addresses, and a bench has no business there.
const net = require("node:net");
const listen = Reflect.get(net.Server.prototype, "listen");

net.Server.prototype.listen = function (first, ...rest) {
  const isPort = typeof first === "number" || (typeof first === "string" && /^\d+$/.test(first));
  const callback = rest.find((item) => typeof item === "function");
  if (isPort) return Reflect.apply(listen, this, [{ port: Number(first), host: "127.0.0.1" }, callback]);
  const where = typeof first === "object" && "port" in first ? { ...first, host: "127.0.0.1" } : first;
  return Reflect.apply(listen, this, [where, ...rest]);
};

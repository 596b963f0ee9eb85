// Loaded into a peer with --require: it listens on all addresses, and a bench has no business there.
const { Server } = require("node:net");
const { listen } = Server.prototype;
Server.prototype.listen = function (...args) {
  const [first] = args;
  if (typeof first === "number" || (typeof first === "string" && /^\d+$/.test(first))) {
    const callback = args.find((item) => typeof item === "function");
    return listen.call(this, { port: Number(first), host: "127.0.0.1" }, callback);
  }
  return listen.call(this, typeof first === "object" && "port" in first ? { ...first, host: "127.0.0.1" } : first, ...args.slice(1));
};

// Loaded into a subject with --import: it tells its parent what its whole process has used, threads included.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

process.on("message", (message) => {
  if (message === "heap") {
    // What is still there after a collection is what is really held.
    setFlagsFromString("--expose-gc");
    (runInNewContext("gc") as () => void)();
    process.send?.({ heapBytes: process.memoryUsage().heapUsed });
  }
  if (message !== "usage") return;
  const { user, system } = process.cpuUsage();
  process.send?.({ cpuUs: user + system, rssBytes: process.memoryUsage.rss() });
});
// A subject must be able to end while its parent lives.
process.channel?.unref();

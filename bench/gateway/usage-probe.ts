// Loaded into a subject with --import: it tells its parent what its whole process has used, threads included.
process.on("message", (message) => {
  if (message !== "usage") return;
  const { user, system } = process.cpuUsage();
  process.send?.({ cpuUs: user + system, rssBytes: process.memoryUsage.rss() });
});
// A subject must be able to end while its parent lives.
process.channel?.unref();

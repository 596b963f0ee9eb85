// Loaded into a subject with --import: it tells its parent how much CPU time its whole process has used, threads included.
process.on("message", (message) => {
  if (message === "cpu") process.send?.(process.cpuUsage());
});
// A subject must be able to end while its parent lives.
process.channel?.unref();

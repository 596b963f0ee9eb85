import type { Probes } from "./probes.ts";

/** The same for sandboxes without Python. What a runtime does not have (files, processes) is as good as forbidden. */
export const javascriptProbes: Probes = {
  language: "javascript",
  look: (facts) => `
const P = ${facts};
(async () => {
  const attempt = async (name, act) => {
    try { console.log(name, await act()); } catch (error) { console.log("blocked", name, String(error).slice(0, 60)); }
  };
  const connect = async (target) => {
    const { connect } = await import("node:net");
    return new Promise((resolve, reject) => {
      const socket = connect(target, () => { socket.end("hit"); resolve("reached"); });
      socket.once("error", reject);
    });
  };
  await attempt("NETWORK", () => connect({ port: P.port, host: "127.0.0.1" }));
  await attempt("NETWORK", () => connect({ path: P.unixPath }));
  const fs = () => import("node:fs");
  await attempt("FILES", async () => (await fs()).readFileSync(P.canaryFile, "utf8"));
  await attempt("FILES", async () => (await fs()).readFileSync("/proc/" + P.pid + "/root" + P.canaryFile, "utf8"));
  await attempt("FILES", async () => (await fs()).writeFileSync(P.canaryDir + "/written", "x"));
  await attempt("ENVIRONMENT", async () => (await fs()).readFileSync("/proc/" + P.pid + "/environ", "latin1").slice(0, 1));
  let names = [];
  try { names = Object.keys((await import("node:process")).env); } catch {}
  console.log("NAMES", JSON.stringify(names.sort()));
  await attempt("linked", async () => (await fs()).symlinkSync(P.canaryFile, "link.txt"));
  await attempt("linked", async () => (await fs()).symlinkSync(P.canaryDir, "folder"));
  await attempt("sparse", async () => { const { openSync, ftruncateSync } = await fs(); ftruncateSync(openSync("sparse.bin", "w"), 2 ** 33); });
  let count = 0;
  try {
    const { spawn } = await import("node:child_process");
    for (let i = 0; i < 40; i += 1) {
      const child = spawn("/bin/sleep", ["5"], { stdio: "ignore" });
      child.on("error", () => {});
      if (child.pid !== undefined) count += 1;
      child.unref();
    }
  } catch {}
  console.log("FORKED", count);
  try { (await import("node:process")).exit(0); } catch {}
})();
`,
  time: `for (;;) {}`,
  memory: `
const pieces = [];
for (let i = 1; i <= 64; i += 1) {
  pieces.push(new Uint8Array(8 << 20).fill(i));
  console.log("HELD_MB", 8 * i);
}
`,
  output: `for (let i = 0; i < 256; i += 1) console.log("y".repeat(65536));`,
  survivor: (mark) => `
(async () => {
  try {
    const { spawn } = await import("node:child_process");
    spawn("/bin/sh", ["-c", "sleep 30; : ${mark}"], { detached: true, stdio: "ignore" }).unref();
  } catch {}
  console.log("left");
})();
`,
  cpu: `
(async () => {
  const began = Date.now();
  while (Date.now() - began < 800);
  try {
    const { cpuUsage } = await import("node:process");
    const { user, system } = cpuUsage();
    console.log("CPU_PERCENT", Math.round((user + system) / 10 / (Date.now() - began)));
  } catch { console.log("CPU_PERCENT", 100); }
})();
`,
};

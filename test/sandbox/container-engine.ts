import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createReadStream, existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { request, Agent } from "undici";

const run = promisify(execFile);

/** A Docker engine of its own, from Debian's packages, with an image that has Python and a shell. Needs Debian and root. */
export interface ContainerEngine extends AsyncDisposable {
  readonly socketPath: string;
  readonly image: string;
  readonly pid: number;
}

/** libdevmapper: what Docker is linked with beyond what every Debian has. */
const PACKAGES = ["docker.io", "containerd", "runc", "runsc", "debootstrap", "libdevmapper1.02.1"];
const IMAGE = "tutti-sandbox-test";
const CACHE = join(import.meta.dirname, "../../node_modules/.cache/container-engine");

/** Starts the engine: no bridge, no firewall rules, its state in a folder of its own that goes with it. What is downloaded is kept. */
export async function startContainerEngine(): Promise<ContainerEngine> {
  await using starting = new AsyncDisposableStack();
  await mkdir(CACHE, { recursive: true });
  const programs = await made("programs", unpackPrograms);
  const image = await made("image.tar", (path) => buildImage(path, programs));
  const folder = await mkdtemp(join(tmpdir(), "tutti-engine-"));
  starting.defer(() => rm(folder, { recursive: true, force: true }));
  const socketPath = join(folder, "docker.sock");
  const engine = starting.adopt(await startDaemon(folder, programs, socketPath), (one) => stopDaemon(one, folder));
  const agent = starting.adopt(new Agent({ connect: { socketPath } }), (one) => one.close());
  await untilReady(engine);
  const answer = await request(`http://engine/images/create?fromSrc=-&repo=${IMAGE}&tag=latest`, {
    dispatcher: agent,
    method: "POST",
    headers: { "content-type": "application/x-tar" },
    body: createReadStream(image),
  });
  if (answer.statusCode !== 200) throw new Error(`the engine did not take the image: ${await answer.body.text()}`);
  await answer.body.dump();
  const kept = starting.move();
  return { socketPath, image: IMAGE, pid: engine.pid ?? 0, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** What `make` makes under a name; kept for the next time once it is whole. */
async function made(name: string, make: (path: string) => Promise<void>): Promise<string> {
  const path = join(CACHE, name);
  if (existsSync(path)) return path;
  const unfinished = `${path}.${process.pid}`;
  try {
    await make(unfinished);
    await rename(unfinished, path);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  return path;
}

async function unpackPrograms(folder: string): Promise<void> {
  await mkdir(folder);
  await run("apt-get", ["download", "-qq", ...PACKAGES], { cwd: folder });
  for (const file of (await readdir(folder)).filter((name) => name.endsWith(".deb"))) {
    await run("dpkg", ["-x", file, "."], { cwd: folder });
    await rm(join(folder, file));
  }
}

/** A root file system of Debian's own release, with Python. */
async function buildImage(path: string, programs: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "tutti-engine-image-"));
  try {
    // The mirror that this machine's apt uses.
    const { stdout: sites } = await run("apt-get", ["indextargets", "--format", "$(SITE)", "Created-By: Packages"]);
    const release = /^VERSION_CODENAME=(\w+)$/m.exec(await readFile("/etc/os-release", "utf8"))?.[1] ?? "stable";
    const script = join(programs, "usr/sbin/debootstrap");
    const args = [script, "--variant=minbase", "--include=python3", release, folder, sites.split("\n")[0] ?? ""];
    const env = { ...process.env, DEBOOTSTRAP_DIR: join(programs, "usr/share/debootstrap") };
    await run("sh", args, { env, maxBuffer: 16_777_216 });
    const left = ["./proc/*", "./sys/*", "./dev/*", "./var/cache/apt/*", "./var/lib/apt/lists/*", "./usr/share/doc/*"];
    await run("tar", ["-C", folder, ...left.map((name) => `--exclude=${name}`), "-cf", path, "."]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function startDaemon(folder: string, programs: string, socketPath: string): Promise<ChildProcess> {
  // gVisor's own bounds come from the container's cgroup; the platform that runs on every machine.
  const script = `#!/bin/sh\nexec ${join(programs, "usr/bin/runsc")} --platform=ptrace --network=none "$@"\n`;
  await writeFile(join(folder, "runsc"), script, { mode: 0o755 });
  const bin = [join(programs, "usr/sbin"), join(programs, "usr/bin")];
  const args = [
    ["--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--host", `unix://${socketPath}`],
    ["--data-root", join(folder, "data"), "--exec-root", join(folder, "exec"), "--pidfile", join(folder, "pid")],
    ["--add-runtime", `runsc=${join(folder, "runsc")}`],
  ].flat();
  const env = {
    ...process.env,
    PATH: [...bin, process.env["PATH"] ?? ""].join(":"),
    LD_LIBRARY_PATH: join(programs, `lib/${process.arch === "arm64" ? "aarch64" : "x86_64"}-linux-gnu`),
  };
  return spawn(join(programs, "usr/sbin/dockerd"), args, { env, stdio: ["ignore", "ignore", "pipe"] });
}

async function untilReady(engine: ChildProcess): Promise<void> {
  const ready = Promise.withResolvers<void>();
  let said = "";
  engine.stderr?.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-8_000);
    if (said.includes("API listen on")) ready.resolve();
  });
  engine.once("exit", () => ready.reject(new Error(`dockerd did not start: ${said}`)));
  engine.once("error", (error) => ready.reject(error));
  // A test that is killed must not leave its engine, which ends its containers itself.
  process.once("exit", () => engine.kill("SIGTERM"));
  await ready.promise;
}

/** Ends it with its containers, and takes away what is still mounted in its folder. */
async function stopDaemon(engine: ChildProcess, folder: string): Promise<void> {
  if (engine.exitCode === null && engine.signalCode === null) {
    const exited = once(engine, "exit");
    engine.kill("SIGTERM");
    await exited;
  }
  const mounts = (await readFile("/proc/self/mounts", "utf8")).split("\n").map((line) => line.split(" ")[1] ?? "");
  for (const mount of mounts.filter((path) => path.startsWith(`${folder}/`)).toReversed()) await run("umount", ["--lazy", mount]);
}

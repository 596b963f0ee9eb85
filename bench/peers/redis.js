import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { delimiter, join } from "node:path";

const unpacked = join(import.meta.dirname, ".cache/redis");
const DEBIAN_PACKAGES = ["redis-server", "redis-tools", "libatomic1", "libjemalloc2", "liblzf1"];

/**
 * The machine's own redis-server, or Debian's, unpacked beside the peers' packages: nothing is installed and no service is started.
 * @returns {{ file: string, env: Record<string, string> }}
 */
export function findRedis() {
  const own = (process.env["PATH"] ?? "").split(delimiter).map((folder) => join(folder, "redis-server"));
  const file = own.find((path) => existsSync(path));
  if (file !== undefined) return { file, env: {} };
  const debian = join(unpacked, "usr/bin/redis-server");
  if (!existsSync(debian)) unpackDebian();
  const libraries = readdirSync(join(unpacked, "usr/lib"), { withFileTypes: true }).filter(
    (entry) => entry.isDirectory() && entry.name.includes("-linux-"),
  );
  return { file: debian, env: { LD_LIBRARY_PATH: libraries.map(({ name }) => join(unpacked, "usr/lib", name)).join(":") } };
}

function unpackDebian() {
  try {
    mkdirSync(unpacked, { recursive: true });
    execFileSync("apt-get", ["download", ...DEBIAN_PACKAGES], { cwd: unpacked, stdio: ["ignore", "ignore", "pipe"] });
    for (const name of readdirSync(unpacked).filter((entry) => entry.endsWith(".deb")))
      execFileSync("dpkg-deb", ["-x", join(unpacked, name), unpacked], { stdio: ["ignore", "ignore", "pipe"] });
  } catch (error) {
    throw new Error(
      "wanted redis-server on the PATH, got none, and Debian's could not be fetched; install it (apt-get install redis-server)",
      { cause: error },
    );
  }
}

// Brings what tests, checks and benches need and running does not. A newcomer's `npm install` leaves it out (.npmrc).
// Plain JavaScript on built-in modules only: it runs on Node 20 and before anything is installed.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const quiet = ["--no-audit", "--no-fund", "--loglevel=error"];

const FOLDERS = [
  { folder: root, what: "what tests and checks need", args: ["install", "--include=dev", "--no-save", ...quiet], wants: "devDependencies" },
  // Clients and agents of other people, about 1 GB; they are no workspace, so that nothing of theirs is found by what is ours.
  {
    folder: join(root, "test", "clients"),
    what: "the clients that are tested with",
    args: ["install", "--ignore-scripts", "--no-save", ...quiet],
    wants: "dependencies",
  },
];

for (const entry of FOLDERS) if (!isComplete(entry)) install(entry);

function isComplete({ folder, wants }) {
  const stamp = stampOf(folder);
  if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== lockHash(folder)) return false;
  const wanted = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"))[wants];
  return Object.keys(wanted).every((name) => existsSync(join(folder, "node_modules", name, "package.json")));
}

function install({ folder, what, args }) {
  console.error(`Bringing ${what} (npm ${args.slice(0, 2).join(" ")}) …`);
  const { npm_execpath: npm } = process.env;
  const options = { cwd: folder, stdio: ["ignore", "ignore", "inherit"] };
  const done =
    npm === undefined
      ? spawnSync(["npm", ...args].join(" "), { ...options, shell: true })
      : spawnSync(process.execPath, [npm, ...args], options);
  if (done.status === 0) return writeFileSync(stampOf(folder), lockHash(folder));
  console.error(
    `dev_tools_missing: wanted the packages of package-lock.json, npm ended with ${done.status ?? done.signal ?? done.error?.message}. Run: npm ${args.slice(0, 2).join(" ")}`,
  );
  process.exit(1);
}

function stampOf(folder) {
  return join(folder, "node_modules", ".dev-tools");
}

function lockHash(folder) {
  return createHash("sha256")
    .update(readFileSync(join(folder, "package-lock.json")))
    .digest("hex");
}

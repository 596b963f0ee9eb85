// Brings what tests, checks and benches need and running does not. A newcomer's `npm install` leaves it out (.npmrc).
// Plain JavaScript on built-in modules only: it runs on Node 20 and before anything is installed.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const stampFile = join(root, "node_modules", ".dev-tools");
const installArgs = ["install", "--include=dev", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"];

if (!isComplete()) install();

function isComplete() {
  if (!existsSync(stampFile) || readFileSync(stampFile, "utf8") !== lockHash()) return false;
  return Object.keys(workspace().devDependencies).every((name) => existsSync(join(root, "node_modules", name, "package.json")));
}

function install() {
  console.error("Bringing what tests and checks need (npm install --include=dev) …");
  const { npm_execpath: npm } = process.env;
  const options = { cwd: root, stdio: ["ignore", "ignore", "inherit"] };
  const done =
    npm === undefined
      ? spawnSync(["npm", ...installArgs].join(" "), { ...options, shell: true })
      : spawnSync(process.execPath, [npm, ...installArgs], options);
  if (done.status === 0) return writeFileSync(stampFile, lockHash());
  console.error(
    `dev_tools_missing: wanted the packages of package-lock.json, npm ended with ${done.status ?? done.signal ?? done.error?.message}. Run: npm install --include=dev`,
  );
  process.exit(1);
}

function lockHash() {
  return createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
}

function workspace() {
  return JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
}

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { MODELS, startThreeFormats, type Scene, type ThreeFormats } from "./three-formats.ts";

const INSTALLED = fileURLToPath(new URL("node_modules/", import.meta.url));
const OPENCODE = join(INSTALLED, `opencode-${process.platform}-${process.arch}/bin/opencode`);
/** An agent that hangs is killed. */
const DURATION_MS_MAX = 600_000;

/** What is put where, and what is then run. */
interface Setup {
  readonly baseUrl: string;
  readonly model: string;
  readonly home: string;
  readonly workspace: string;
}

/** An agent for the terminal. */
interface AgentCli {
  readonly name: string;
  /** Its shell tool, and that tool's input. */
  readonly tool: string;
  readonly input: object;
  readonly models: readonly string[];
  readonly workflow: string;
  readonly env: Readonly<Record<string, string>>;
  /** Writes its configuration; returns what to run. */
  setUp(setup: Setup): Promise<readonly string[]>;
}

const COMMAND = "echo made > made.txt";

const codex: AgentCli = {
  name: "codex",
  tool: "exec_command",
  input: { cmd: COMMAND },
  models: [...MODELS],
  workflow: "tutti.responses",
  env: {},
  async setUp({ baseUrl, model, home }) {
    const config = [
      `model = "${model}"`,
      'model_provider = "tutti"',
      "[model_providers.tutti]",
      'name = "Tutti"',
      `base_url = "${baseUrl}"`,
      'env_key = "TUTTI_KEY"',
      'wire_api = "responses"',
      "[analytics]",
      "enabled = false",
    ];
    await mkdir(join(home, ".codex"));
    await writeFile(join(home, ".codex/config.toml"), config.join("\n"));
    const flags = ["--dangerously-bypass-approvals-and-sandbox", "--skip-git-repo-check", "--ephemeral"];
    return [process.execPath, join(INSTALLED, "@openai/codex/bin/codex.js"), "exec", ...flags];
  },
};

const opencode: AgentCli = {
  name: "opencode",
  tool: "bash",
  input: { command: COMMAND, description: "Makes the file" },
  models: ["messages-model"],
  workflow: "tutti.chat-completions",
  env: {
    OPENCODE_DISABLE_AUTOUPDATE: "1",
    OPENCODE_DISABLE_MODELS_FETCH: "1",
    OPENCODE_DISABLE_LSP_DOWNLOAD: "1",
    OPENCODE_DISABLE_DEFAULT_PLUGINS: "1",
    OPENCODE_DISABLE_SHARE: "1",
  },
  async setUp({ baseUrl, model, workspace }) {
    const options = { baseURL: baseUrl, apiKey: "{env:TUTTI_KEY}" };
    const tutti = { npm: "@ai-sdk/openai-compatible", name: "Tutti", options, models: { [model]: { name: model } } };
    const config = { model: `tutti/${model}`, small_model: `tutti/${model}`, provider: { tutti }, permission: { bash: "allow" } };
    await writeFile(join(workspace, "opencode.json"), JSON.stringify(config));
    return [OPENCODE, "run"];
  },
};

const continueCli: AgentCli = {
  name: "cn",
  tool: "Bash",
  input: { command: COMMAND },
  models: ["chat-model", "codex-responses-model"],
  workflow: "tutti.chat-completions",
  env: { CONTINUE_METRICS_ENABLED: "0", CONTINUE_CLI_ENABLE_TELEMETRY: "0", CONTINUE_CLI_AUTO_UPDATED: "true" },
  async setUp({ baseUrl, model, home }) {
    const file = join(home, "config.yaml");
    const entry = `{ name: tutti, provider: openai, model: ${model}, apiBase: "${baseUrl}", apiKey: "\${{ secrets.TUTTI_KEY }}", roles: [chat] }`;
    await writeFile(file, `name: Tutti\nversion: 0.0.1\nschema: v1\nmodels:\n  - ${entry}\n`);
    return [process.execPath, join(INSTALLED, "@continuedev/cli/dist/cn.js"), "-p", "--auto", "--config", file];
  },
};

/** Runs one in a home and a workspace of its own. */
async function runAgent(cli: AgentCli, tutti: ThreeFormats, model: string): Promise<{ readonly said: string; readonly made: string }> {
  const home = await mkdtemp(join(tmpdir(), `tutti-${cli.name}-`));
  const workspace = join(home, "workspace");
  try {
    await mkdir(workspace);
    const [command = "", ...args] = await cli.setUp({ baseUrl: tutti.baseUrl, model, home, workspace });
    const said = await outputOf([command, ...args, "Make made.txt."], {
      cwd: workspace,
      env: { PATH: process.env["PATH"], HOME: home, TUTTI_KEY: tutti.app.token, ...NOWHERE, ...cli.env },
    });
    return { said, made: await readFile(join(workspace, "made.txt"), "utf8") };
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

/** Whatever else an agent wants to fetch from the internet, it does not get. */
const NOWHERE = { HTTPS_PROXY: "http://127.0.0.1:9", https_proxy: "http://127.0.0.1:9", NO_PROXY: "127.0.0.1", no_proxy: "127.0.0.1" };

async function outputOf(
  [command = "", ...args]: readonly string[],
  options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): Promise<string> {
  // A group of its own: what the agent started ends with it.
  const child = spawn(command, args, { ...options, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  const killAll = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    } catch {
      // The group has ended by itself.
    }
  };
  const timer = setTimeout(killAll, DURATION_MS_MAX);
  const closed = new Promise<unknown>((resolve, reject) => child.on("close", resolve).on("error", reject));
  try {
    const [out, log, code] = await Promise.all([textOf(child.stdout), textOf(child.stderr), closed]);
    assert.equal(code, 0, `${out}\n${log}`);
    return out;
  } finally {
    clearTimeout(timer);
    killAll();
  }
}

async function textOf(stream: AsyncIterable<Buffer>): Promise<string> {
  return Buffer.concat(await Array.fromAsync(stream)).toString();
}

/** The outcomes of what went through; written behind the answers, so there may be fewer at first. */
async function receipts(tutti: ThreeFormats, workflow: string, count: number): Promise<readonly { readonly status: string }[]> {
  for (;;) {
    const page = (await (await tutti.app.fetch(`/v1/runs?workflow=${workflow}`)).json()) as {
      readonly runs: { readonly status: string }[];
    };
    if (page.runs.length >= count) return page.runs;
  }
}

for (const cli of [codex, opencode, continueCli]) {
  for (const model of cli.models) {
    test(`${cli.name} works headless with ${model}: it makes a file with its shell tool, and says so`, async () => {
      const scene: Scene = ({ result, tools }) =>
        result === undefined && tools.includes(cli.tool) ? { call: cli.tool, input: cli.input } : { say: "The file is made." };
      await using tutti = await startThreeFormats(scene);
      const { said, made } = await runAgent(cli, tutti, model);
      assert.equal(made, "made\n");
      assert.match(said, /The file is made\./);
      const asked = tutti.asked().length;
      assert.ok(asked >= 2);
      const runs = await receipts(tutti, cli.workflow, asked);
      assert.deepEqual(new Set(runs.map(({ status }) => status)), new Set(["completed"]));
    });
  }
}

import assert from "node:assert/strict";
import { mkdtempDisposableSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { AppError } from "@tutti/core";
import fc from "fast-check";
import { configFrom, describeConfig, readConfig, type ConfigReading } from "./index.ts";

interface Given {
  readonly flags?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, string>>;
}

/** Reads a configuration in a folder of its own, and tells what `use` makes of it. */
function reading<T>({ flags = {}, env = {}, files = {} }: Given, use: (read: () => ConfigReading, cwd: string) => T): T {
  using folder = mkdtempDisposableSync(join(tmpdir(), "tutti-config-"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder.path, name), text);
  return use(() => readConfig({ flags, env, cwd: folder.path }), folder.path);
}

function problems(given: Given): readonly string[] {
  return reading(given, (read) => {
    try {
      assert.fail(`read as ${JSON.stringify(read().config)}`);
    } catch (error) {
      assert.ok(error instanceof AppError && error.code === "invalid_config", String(error));
      return error.message.split("\n");
    }
  });
}

test("without anything set, the defaults are safe", () => {
  reading({}, (read, cwd) => {
    const { config, sources, file } = read();
    assert.equal(config.host, "127.0.0.1");
    assert.equal(config.port, 8088);
    assert.equal(config.dataDir, join(cwd, ".tutti"));
    assert.equal(config.auth, "token");
    assert.equal(config.token, undefined);
    assert.deepEqual(config.toolsAllow, []);
    assert.deepEqual(config.plugins, ["holly"]);
    assert.deepEqual(new Set(Object.values(sources)), new Set(["default"]));
    assert.equal(file, undefined);
  });
});

test("flags go over the environment, over .env, over the file, over the defaults; each value knows its place", () => {
  const given = {
    flags: { port: "1" },
    env: { TUTTI_PORT: "2", TUTTI_HOST: "::1" },
    files: {
      ".env": "# local\nTUTTI_PORT=3\nexport TUTTI_HOST=localhost\nTUTTI_MODEL='llama3.2'\n",
      "tutti.yaml": "# mine\nport: 4\nmodel: other\n  \nrateLimitBurst: 5\n",
    },
  };
  reading(given, (read) => {
    const { config, sources } = read();
    assert.deepEqual([config.port, sources.port], [1, "--port"]);
    assert.deepEqual([config.host, sources.host], ["::1", "environment TUTTI_HOST"]);
    assert.deepEqual([config.model, sources.model], ["llama3.2", ".env:4"]);
    assert.deepEqual([config.rateLimitBurst, sources.rateLimitBurst], [5, "tutti.yaml:5:17"]);
  });
});

test("every problem is named at once, one on each line, with its value, its place and what would be right", () => {
  const found = problems({
    flags: { shutdownGraceMs: "soon" },
    env: { TUTTI_PORT: "http", TUTTI_PROT: "1", TUTTI_ACCESS_LOG: "maybe" },
    files: {
      ".env": "\nTUTTI_RUNS_ACTIVE_MAX=0\n",
      "tutti.yaml": "prot: 80\nhost: 127.0.0.1\nlogLevel: loud\nconnectionsMax: -5\nplugins:\n  - holly\n  - 7\n",
    },
  });
  assert.deepEqual(found, [
    "TUTTI_PROT is not a setting, did you mean TUTTI_PORT? (environment TUTTI_PROT)",
    "prot is not a setting, did you mean port? (tutti.yaml:1:1)",
    'port must be a whole number from 0 to 65535, got "http" (environment TUTTI_PORT)',
    'logLevel must be one of fatal, error, warn, info, debug, trace, silent, got "loud" (tutti.yaml:3:11)',
    'accessLog must be true or false, got "maybe" (environment TUTTI_ACCESS_LOG)',
    "connectionsMax must be a whole number from 1 to 1000000, got -5 (tutti.yaml:4:17)",
    'shutdownGraceMs must be a whole number from 0 to 3600000, got "soon" (--shutdown-grace-ms)',
    'runsActiveMax must be a whole number from 1 to 1000000, got "0" (.env:2)',
    "plugins[1] must be a plugin name or path, got 7 (tutti.yaml:7:5)",
  ]);
});

test("a value that another overrides is checked too", () => {
  assert.deepEqual(problems({ flags: { port: "80" }, files: { "tutti.yaml": "port: x" } }), [
    'port must be a whole number from 0 to 65535, got "x" (tutti.yaml:1:7)',
  ]);
});

test("a key in another spelling is told the right one", () => {
  assert.deepEqual(problems({ files: { "tutti.yaml": "data_dir: x\nmodel-base-url: y\nbanana: z" } }), [
    "data_dir is not a setting, did you mean dataDir? (tutti.yaml:1:1)",
    "model-base-url is not a setting, did you mean modelBaseUrl? (tutti.yaml:2:1)",
    "banana is not a setting; `tutti config show` lists all (tutti.yaml:3:1)",
  ]);
});

test("a secret is never shown, neither in a problem nor in the list", () => {
  assert.deepEqual(problems({ env: { TUTTI_TOKEN: "hunter2" } }), [
    "token must be 16 to 512 characters without spaces, got a secret of 7 characters (environment TUTTI_TOKEN)",
  ]);
  const env = {
    TUTTI_TOKEN: "s3cret-s3cret-s3cret",
    TUTTI_MODEL_API_KEY: "s3cret",
    TUTTI_MODEL_BASE_URL: "http://localhost:1/v1",
    CLOUD_KEY: "s3cret",
  };
  reading(
    { env, files: { "tutti.yaml": "providers: [{name: cloud, baseUrl: 'https://models.example/v1', apiKeyEnv: CLOUD_KEY}]" } },
    (read) => {
      const rows = describeConfig(read());
      assert.doesNotMatch(JSON.stringify(rows), /s3cret/);
      assert.deepEqual(
        rows.filter(({ key }) => ["token", "providers", "port"].includes(key)).map(({ value, source, env: name }) => [value, source, name]),
        [
          ["8088", "default", "TUTTI_PORT"],
          ["********", "environment TUTTI_TOKEN", "TUTTI_TOKEN"],
          ['[{"name":"cloud","baseUrl":"https://models.example/v1","models":[],"apiKey":"********"}]', "tutti.yaml:1:12", ""],
        ],
      );
    },
  );
});

test("a provider's key comes from the file or from a variable, which .env may set", () => {
  const yaml =
    "providers:\n  - {name: local, baseUrl: 'http://127.0.0.1:11434/v1', models: [llama3.2]}\n  - {name: cloud, baseUrl: 'https://models.example/v1', apiKeyEnv: CLOUD_KEY}\n";
  reading({ files: { "tutti.yaml": yaml, ".env": "CLOUD_KEY=abc" } }, (read) => {
    assert.deepEqual(read().config.providers, [
      { name: "local", baseUrl: "http://127.0.0.1:11434/v1", models: ["llama3.2"] },
      { name: "cloud", baseUrl: "https://models.example/v1", models: [], apiKey: "abc" },
    ]);
  });
  assert.deepEqual(problems({ files: { "tutti.yaml": yaml } }), [
    "providers[1].apiKeyEnv must name a variable that is set, got CLOUD_KEY, which is not",
  ]);
});

test("who only looks where a server is needs none of its secrets", () => {
  const files = { "tutti.yaml": "dataDir: data\nproviders: [{name: cloud, kind: openai, apiKeyEnv: CLOUD_KEY}]\n" };
  assert.deepEqual(problems({ files }), ["providers[0].apiKeyEnv must name a variable that is set, got CLOUD_KEY, which is not"]);
  reading({ files }, (_, cwd) => {
    const { config } = readConfig({ flags: {}, env: {}, cwd, isWithoutSecrets: true });
    assert.deepEqual([config.dataDir, config.providers], [join(cwd, "data"), []]);
  });
  assert.match(problems({ files: { "tutti.yaml": "toolSecrets: {shop: SHOP_KEY}\n" } }).join(), /got a secret that is an object/);
});

test("a tool's secret whose variable is not set is known by name, and has no value", () => {
  const files = { "tutti.yaml": "toolSecrets: [{name: shop, env: SHOP_KEY}, {name: pets, env: PET_KEY}]\n" };
  reading({ files, env: { PET_KEY: "abc" } }, (read) => {
    assert.deepEqual(read().config.toolSecrets, [
      { name: "shop", env: "SHOP_KEY" },
      { name: "pets", value: "abc", env: "PET_KEY" },
    ]);
  });
});

test("what is wrong inside a provider has its own place", () => {
  const yaml =
    "providers:\n  - name: cloud\n    base_url: https://models.example/v1\n  - name: cloud\n    baseUrl: https://me:pass@models.example\n    models: gpt\n";
  assert.deepEqual(problems({ files: { "tutti.yaml": yaml } }), [
    "providers[0].base_url is not a setting, did you mean baseUrl? (tutti.yaml:3:15)",
    'providers[1].baseUrl must be an http or https URL without a password, got "https://me:pass@models.example" (tutti.yaml:5:14)',
    'providers[1].models must be a list of model names, got "gpt" (tutti.yaml:6:13)',
  ]);
});

test("a provider needs a base URL where its kind has none", () => {
  assert.deepEqual(problems({ files: { "tutti.yaml": "providers:\n  - name: cloud\n  - {name: claude, kind: anthropic}\n" } }), [
    "providers[0] must have a baseUrl, or a kind that knows its own, such as openai, got neither",
  ]);
});

test("no authentication is refused where other machines can connect", () => {
  assert.deepEqual(problems({ env: { TUTTI_AUTH: "none" }, flags: { host: "0.0.0.0" } }), [
    "auth must be token where other machines can connect, got none (environment TUTTI_AUTH) with host 0.0.0.0 (--host); use host 127.0.0.1 or auth token",
  ]);
  for (const host of ["127.0.0.1", "127.8.8.8", "localhost", "::1"]) {
    reading({ env: { TUTTI_AUTH: "none", TUTTI_HOST: host } }, (read) => assert.equal(read().config.auth, "none"));
  }
});

test("keys that do not go together are refused", () => {
  assert.deepEqual(problems({ env: { TUTTI_HEADERS_TIMEOUT_MS: "90000", TUTTI_MODEL_API_KEY: "abc" } }), [
    "headersTimeoutMs must be at most requestTimeoutMs, got 90000 (environment TUTTI_HEADERS_TIMEOUT_MS) and 60000 (default)",
    "modelApiKey needs modelBaseUrl, the server it is for, got none (environment TUTTI_MODEL_API_KEY)",
  ]);
});

test("variables of earlier programs count where Tutti's own are not set", () => {
  reading({ env: { LOG_LEVEL: "WARNING", DISABLE_ACCESS_LOG: "true", SUPPRESS_HEALTH_LOGS: "false" } }, (read) => {
    const { config, sources } = read();
    assert.deepEqual([config.logLevel, config.accessLog, config.probeLog], ["warn", false, true]);
    assert.equal(sources.logLevel, "environment LOG_LEVEL");
  });
  reading({ env: { LOG_LEVEL: "debug" }, files: { ".env": "TUTTI_LOG_LEVEL=error" } }, (read) =>
    assert.equal(read().config.logLevel, "error"),
  );
});

test("an empty variable and an empty key in the file count as not set", () => {
  reading({ env: { TUTTI_PORT: "", TUTTI_TOKEN: "" }, files: { "tutti.yaml": "host:\n" } }, (read) => {
    assert.deepEqual([read().config.port, read().config.token, read().config.host], [8088, undefined, "127.0.0.1"]);
  });
});

test("lists and numbers can be written as one text", () => {
  reading({ env: { TUTTI_PLUGINS: "holly, ./mine", TUTTI_REQUEST_BYTES_MAX: "1_000_000" } }, (read, cwd) => {
    assert.deepEqual(read().config.plugins, ["holly", join(cwd, "mine")]);
    assert.equal(read().config.requestBytesMax, 1_000_000);
  });
});

test("the file is found by flag or variable, and its paths count from its own folder", () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), "tutti-config-"));
  writeFileSync(join(folder.path, "other.yaml"), "dataDir: data\nplugins: [./plugin]\n");
  for (const given of [
    { flags: { config: join(folder.path, "other.yaml") } },
    { env: { TUTTI_CONFIG: join(folder.path, "other.yaml") } },
  ]) {
    reading(given, (read) => {
      const { config, file } = read();
      assert.deepEqual([config.dataDir, config.plugins], [join(folder.path, "data"), [join(folder.path, "plugin")]]);
      assert.equal(file, join(folder.path, "other.yaml"));
    });
  }
  assert.deepEqual(problems({ flags: { config: "missing.yaml" } }), ["wanted a configuration file, got missing.yaml, which is not there"]);
});

test("a file that is no YAML, or no mapping, is one clear problem", () => {
  assert.match(problems({ files: { "tutti.yaml": "port: [1\nhost: x" } }).join("\n"), /\(tutti\.yaml:2:\d+\)/);
  assert.deepEqual(problems({ files: { "tutti.yaml": "- port" } }), ['wanted keys and values, got ["port"] (tutti.yaml:1:1)']);
  assert.match(problems({ files: { "tutti.yaml": "port: 1\nport: 2" } }).join("\n"), /Map keys must be unique \(tutti\.yaml:2:1\)/);
  reading({ files: { "tutti.yaml": "# nothing yet\n" } }, (read) => assert.equal(read().config.port, 8088));
});

test("values of a caller's own are checked like any other, and nothing else is read", () => {
  assert.equal(configFrom({ port: 0, dataDir: "here" }, "/srv").dataDir, "/srv/here");
  assert.throws(() => configFrom({ port: 70_000 }, "/srv"), {
    code: "invalid_config",
    message: "port must be a whole number from 0 to 65535, got 70000 (given)",
  });
});

test("whatever stands in the file and the environment, it is read or refused with invalid_config", () => {
  const names = fc.constantFrom(
    "TUTTI_PORT",
    "TUTTI_PLUGINS",
    "TUTTI_DATA_DIR",
    "TUTTI_MODEL_BASE_URL",
    "TUTTI_LOG_LEVEL",
    "LOG_LEVEL",
    "TUTTI___PROTO__",
    "TUTTI_CONFIG",
  );
  const keys = fc.constantFrom("port", "plugins", "providers", "host", "token", "auth", "__proto__", "constructor");
  const yaml = fc.oneof(
    fc.string({ unit: "grapheme" }),
    fc.dictionary(keys, fc.jsonValue()).map((value) => JSON.stringify(value)),
  );
  fc.assert(
    fc.property(fc.dictionary(names, fc.string({ unit: "binary" })), yaml, (env, text) => {
      reading({ env, files: { "tutti.yaml": text } }, (read) => {
        try {
          read();
        } catch (error) {
          assert.equal(AppError.from(error).code, "invalid_config", String(error));
        }
      });
    }),
  );
});

test("a private host is a name or an address; one with a port would never match, so it is refused", () => {
  assert.deepEqual(problems({ files: { "tutti.yaml": 'webPrivateAllow: ["127.0.0.1:18433", "http://a.lan", "[::1]"]' } }), [
    'webPrivateAllow[0] must be a host name or address without a port, such as localhost, 10.0.0.5 or ::1, got "127.0.0.1:18433" (tutti.yaml:1:19)',
    'webPrivateAllow[1] must be a host name or address without a port, such as localhost, 10.0.0.5 or ::1, got "http://a.lan" (tutti.yaml:1:38)',
    'webPrivateAllow[2] must be a host name or address without a port, such as localhost, 10.0.0.5 or ::1, got "[::1]" (tutti.yaml:1:54)',
  ]);
  reading({ env: { TUTTI_WEB_PRIVATE_ALLOW: "NAS.lan, 10.0.0.5, 0:0:0:0:0:0:0:1" } }, (read) => {
    assert.deepEqual(read().config.webPrivateAllow, ["nas.lan", "10.0.0.5", "::1"]);
  });
});

test("the socket of a container engine is found by Docker's own variable, which another machine does not count for", () => {
  const socketOf = (env: Readonly<Record<string, string>>): string | undefined =>
    reading({ env, files: {} }, (read) => read().config.engineSocket);
  assert.equal(socketOf({ DOCKER_HOST: "unix:///run/user/7/docker.sock" }), "/run/user/7/docker.sock");
  assert.equal(socketOf({ DOCKER_HOST: "unix:///a", TUTTI_ENGINE_SOCKET: "/b" }), "/b");
  assert.equal(socketOf({ DOCKER_HOST: "tcp://10.0.0.1:2375" }), undefined);
});

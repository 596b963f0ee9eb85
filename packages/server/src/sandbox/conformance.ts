import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import type { Sandbox, SandboxLanguage, SandboxRequest, SandboxResult } from "@tutti/core/sandbox";
import type { SandboxBackendFactory } from "./backend.ts";
import { tryBackend, type SandboxOptions } from "./open-sandbox.ts";
import { DEFAULT_LIMITS } from "./shared/limits.ts";

/** What a backend cannot do, and why; the suite then holds it to what it says instead. */
export interface SandboxLacks {
  /** Options it is opened with, beside the defaults. */
  readonly options?: Pick<SandboxOptions, "image" | "remoteUrl" | "engineSocket">;
  /** Languages it must have here. */
  readonly languages: readonly SandboxLanguage[];
  /** Programs in it start no processes. */
  readonly processes?: string;
  /** It cannot read its bound of CPU. */
  readonly cpu?: string;
}

const MEBIBYTE = 1_048_576;

/** What every backend must do; each runs this suite against the real thing. */
export function sandboxConformance(factory: SandboxBackendFactory, lacks: SandboxLacks): void {
  suite(`sandbox ${factory.name}`, () => {
    let sandbox: Sandbox;
    const never = new AbortController().signal;
    const run = (request: SandboxRequest): Promise<SandboxResult> => sandbox.run(request, never);
    const python = lacks.languages.includes("python");
    const language: SandboxLanguage = python ? "python" : "javascript";
    const code = (programs: { readonly python: string; readonly javascript: string }): Pick<SandboxRequest, "language" | "code"> => ({
      language,
      code: python ? programs.python : programs.javascript,
    });

    before(async () => {
      const candidate = await tryBackend(factory, { backends: [factory.name], level: "soft", ...lacks.options }, never);
      if (candidate.status !== "ready") assert.fail(candidate.reason);
      sandbox = candidate.sandbox;
    });
    after(() => sandbox?.close());

    test("its report names every promise once, and those that hold say by what", () => {
      const names = sandbox.report.promises.map(({ name }) => name);
      assert.equal(new Set(names).size, 10);
      assert.equal(names.length, 10);
      for (const { name, holds, detail } of sandbox.report.promises) assert.ok(holds || name === "cpu", `${name}: ${detail}`);
      for (const { detail } of sandbox.report.promises) assert.notEqual(detail, "");
      for (const wanted of lacks.languages) assert.ok(sandbox.report.languages.includes(wanted), wanted);
    });

    const hello: Readonly<Record<SandboxLanguage, string>> = {
      python: "print('hello', 6 * 7)",
      javascript: "console.log('hello', 6 * 7)",
      typescript: "const answer: number = 6 * 7; console.log('hello', answer)",
      shell: "echo hello $((6 * 7))",
    };
    for (const spoken of lacks.languages) {
      test(`a program in ${spoken} runs and tells what it used`, async () => {
        const result = await run({ language: spoken, code: hello[spoken] });
        assert.equal(result.stdout, "hello 42\n", result.stderr);
        assert.deepEqual([result.reason, result.exitCode, result.signal, result.backend], ["exit", 0, null, factory.name]);
        assert.ok(result.usage.wallMs > 0 && result.usage.startMs >= 0);
        assert.deepEqual(result.truncated, { stdout: false, stderr: false, files: false });
        assert.deepEqual(Object.keys(result.files), []);
      });
    }

    test("an uncaught error is on stderr, and the exit code is not 0", async () => {
      const result = await run(code({ python: "raise ValueError('boom42')", javascript: "throw new Error('boom42')" }));
      assert.equal(result.reason, "exit");
      assert.notEqual(result.exitCode, 0);
      assert.match(result.stderr, /boom42/);
    });

    if (python) {
      test("stdin arrives, stdout and stderr stay apart, the exit code comes back", async () => {
        const result = await run({
          language: "python",
          code: "import sys\nprint(sys.stdin.read().upper())\nprint('oops', file=sys.stderr)\nsys.exit(3)",
          stdin: "ping",
        });
        assert.deepEqual([result.stdout, result.stderr, result.exitCode], ["PING\n", "oops\n", 3]);
      });

      test("files go in and come back, in folders too, with bytes that are no text", async () => {
        const bytes = Uint8Array.from([0, 255, 10, 13, 128]);
        const result = await run({
          language: "python",
          code: "import os\nos.makedirs('out/deep')\nopen('out/deep/r.bin','wb').write(open('in/b.bin','rb').read()[::-1])\nprint(open('a.txt').read())",
          files: { "a.txt": "ä\n", "in/b.bin": bytes },
        });
        assert.equal(result.stdout, "ä\n\n", result.stderr);
        assert.deepEqual(Object.keys(result.files).toSorted(), ["a.txt", "in/b.bin", "out/deep/r.bin"]);
        assert.deepEqual([...(result.files["out/deep/r.bin"] ?? [])], [...bytes].toReversed());
      });

      test("a second program sees nothing of the first", async () => {
        await run({
          language: "python",
          code: "import os\nfor p in ('/tmp/seen', '/var/tmp/seen', '/dev/shm/seen', os.path.expanduser('~/seen'), 'seen'):\n  try: open(p, 'w').write('x')\n  except OSError: pass",
        });
        const result = await run({
          language: "python",
          code: "import os\nprint([p for p in ('/tmp/seen', '/var/tmp/seen', '/dev/shm/seen', os.path.expanduser('~/seen'), 'seen') if os.path.exists(p)])",
        });
        assert.equal(result.stdout, "[]\n", result.stderr);
      });

      test("more files than allowed, and larger ones, are left out and told of", async () => {
        const many = await run({ language: "python", code: "for i in range(9): open(f'f{i}', 'w').write('x')", limits: { filesMax: 4 } });
        assert.equal(many.truncated.files, true);
        assert.equal(Object.keys(many.files).length, 4);
        const large = await run({
          language: "python",
          code: "open('big', 'wb').write(b'x' * 5000); open('small', 'w').write('x')",
          limits: { fileBytes: 4_096 },
        });
        assert.deepEqual([large.truncated.files, Object.keys(large.files)], [true, ["small"]]);
      });

      test("symlinks and FIFOs do not come back", async () => {
        const result = await run({
          language: "python",
          code: "import os\nfor make in (lambda: os.symlink('/etc/hostname', 'link'), lambda: os.symlink('/etc', 'folder'), lambda: os.mkfifo('pipe')):\n  try: make()\n  except (OSError, AttributeError): pass\nopen('real', 'w').write('x')",
        });
        assert.deepEqual(Object.keys(result.files), ["real"]);
      });
    }

    test("names of files that lead outside are refused before anything runs", async () => {
      for (const name of ["../x", "/etc/x", "a/../../x", "", "a//b", "a\0b", ".", "a\\b"])
        await assert.rejects(run({ language, code: "", files: { [name]: "x" } }), { code: "invalid_input" });
    });

    test("limits that are none are refused", async () => {
      await assert.rejects(run({ language, code: "", limits: { memoryBytes: -1 } }), { code: "invalid_input", message: /memoryBytes/ });
      await assert.rejects(run({ language, code: "", limits: { runTimeoutMs: Number.NaN } }), { code: "invalid_input" });
    });

    test("a program without end ends at its time limit", async () => {
      const result = await run({ ...code({ python: "while True: pass", javascript: "for (;;) {}" }), limits: { runTimeoutMs: 400 } });
      assert.equal(result.reason, "timeout");
      assert.ok(result.usage.wallMs >= 390, String(result.usage.wallMs));
    });

    test("what was printed before the time limit is kept", async () => {
      const result = await run({
        ...code({
          python: "print('before', flush=True)\nwhile True: pass",
          javascript: "console.log('before'); setTimeout(() => { for (;;) {} }, 50)",
        }),
        limits: { runTimeoutMs: 1_000 },
      });
      assert.deepEqual([result.reason, result.stdout], ["timeout", "before\n"]);
    });

    test("memory over the limit ends the program with the reason oom", async () => {
      const result = await run({
        ...code({
          python: "import time\na = []\nfor i in range(64):\n  a.append(bytearray(b'x' * (8 << 20)))\n  time.sleep(0.01)\nprint('all')",
          javascript: "const a = []; for (let i = 0; i < 64; i++) a.push(new Uint8Array(8 << 20).fill(1)); console.log('all')",
        }),
        limits: { memoryBytes: 128 * MEBIBYTE },
      });
      assert.equal(result.reason, "oom", JSON.stringify({ ...result, files: undefined }));
      assert.equal(result.stdout, "");
    });

    test("a flood of output is cut off at its bound", async () => {
      const result = await run({
        ...code({ python: "while True: print('y' * 10000)", javascript: "for (let i = 0; i < 20000; i++) console.log('y'.repeat(10000))" }),
        limits: { outputBytes: 100_000 },
      });
      assert.equal(result.reason, "output");
      assert.deepEqual([result.stdout.length, result.truncated.stdout], [100_000, true]);
    });

    test("an aborted run throws cancelled and leaves nothing running", async () => {
      const cancelling = new AbortController();
      const running = sandbox.run(
        {
          ...code({ python: "import time; time.sleep(60)", javascript: "setTimeout(() => {}, 60_000)" }),
          limits: { runTimeoutMs: 90_000 },
        },
        cancelling.signal,
      );
      setTimeout(() => cancelling.abort(), 50);
      await assert.rejects(running, { code: "cancelled" });
    });

    test("programs run side by side without seeing each other", async () => {
      const numbers = [1, 2, 3, 4, 5, 6];
      const results = await Promise.all(
        numbers.map((number) => run(code({ python: `print(${number})`, javascript: `console.log(${number})` }))),
      );
      assert.deepEqual(
        results.map(({ stdout }) => Number(stdout)),
        numbers,
      );
    });

    test("a language it does not have is refused with those it has", async () => {
      const missing = (["python", "javascript", "typescript", "shell"] as const).find((name) => !sandbox.report.languages.includes(name));
      if (missing === undefined) assert.equal(sandbox.report.languages.length, 4);
      else await assert.rejects(run({ language: missing, code: "" }), { code: "invalid_input", message: /language/ });
    });

    test("without limits of its own a program has the default ones", () => {
      assert.equal(DEFAULT_LIMITS.runTimeoutMs, 10_000);
    });

    if (lacks.processes === undefined && python) {
      test("a daemon does not hold the run up and does not outlive it", async () => {
        const result = await run({
          language: "python",
          code: "import os, sys, time\nif os.fork() == 0:\n  os.setsid()\n  if os.fork() == 0: time.sleep(60)\n  os._exit(0)\nprint('parent leaves')",
        });
        assert.deepEqual([result.reason, result.stdout], ["exit", "parent leaves\n"]);
        assert.ok(result.usage.wallMs < 9_000);
      });

      test("children and threads work, more than allowed do not", async () => {
        const result = await run({
          language: "python",
          code: "import subprocess, sys, threading, os, time\nt = threading.Thread(target=print, args=('thread',)); t.start(); t.join()\nprint(subprocess.run([sys.executable, '-c', 'print(5)'], capture_output=True, text=True).stdout.strip())\nn = 0\ntry:\n  for _ in range(100):\n    if os.fork() == 0: time.sleep(5); os._exit(0)\n    n += 1\nexcept OSError: pass\nprint(n)\nsys.stdout.flush()\nos._exit(0)",
          limits: { processesMax: 12 },
        });
        const [thread, child, count] = result.stdout.split("\n");
        assert.deepEqual([thread, child], ["thread", "5"], result.stderr);
        assert.ok(Number(count) >= 4 && Number(count) <= 12, count);
      });
    }
  });
}

import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import type { Sandbox } from "@tutti/core/sandbox";
import { openSandbox } from "./index.ts";

const never = new AbortController().signal;

/** What a program expects of Python, which is started without its module "site" here: what it prints when that is so. */
const PROGRAMS: Readonly<Record<string, string>> = {
  "packages of the system are found, also compiled ones": "import numpy as np; print(np.arange(6).reshape(2, 3).sum() == 15)",
  "what is installed is told": "import importlib.metadata as m; print(m.version('numpy').count('.') > 0)",
  "what is not there is missed as usual":
    "import importlib.util as u\ntry: import no_such_module\nexcept ModuleNotFoundError as error: print(error.name == 'no_such_module' and u.find_spec('nor_this') is None)",
  "site tells its folders":
    "import site, sys; print(all(f in sys.path for f in site.getsitepackages() if __import__('os').path.isdir(f)) and sys.prefix == '/usr')",
  "exit, quit and help are there": "print(callable(exit) and callable(quit) and 'help' in repr(help))",
  "another interpreter can be started":
    "import subprocess, sys; print(subprocess.run([sys.executable, '-c', 'import numpy; print(numpy.__name__)'], capture_output=True, text=True).stdout == 'numpy\\n')",
  "an environment of its own can be made":
    "import subprocess, venv; venv.create('v'); print(subprocess.run(['v/bin/python', '-c', 'import sys; print(sys.prefix != sys.base_prefix)'], capture_output=True, text=True).stdout == 'True\\n')",
  "a database in a file works":
    "import sqlite3; c = sqlite3.connect('a.db'); c.execute('create table t (a)'); c.execute('insert into t values (1)'); c.commit(); print(c.execute('select a from t').fetchall() == [(1,)])",
  "ciphers are there":
    "import ssl, hashlib; print(len(ssl.create_default_context().get_ciphers()) > 0 and len(hashlib.sha256(b'').digest()) == 32)",
  "who it is can be asked": "import getpass; print(getpass.getuser() == 'sandbox')",
  "its own source can be read": "import inspect\ndef f(): return 1\nprint(inspect.getsource(f).startswith('def f'))",
};

for (const backend of ["bubblewrap", "landlock"] as const) {
  for (const [start, warmMax] of [
    ["started for it", 0],
    ["started ahead", 1],
  ] as const) {
    suite(`Python under ${backend}, ${start}`, { concurrency: false }, () => {
      let sandbox: Sandbox;
      before(async () => {
        sandbox = await openSandbox({ backends: [backend], level: "soft", warmMax }, never);
      });
      after(() => sandbox.close());

      for (const [name, code] of Object.entries(PROGRAMS)) {
        test(name, async () => {
          const { stdout, stderr } = await sandbox.run({ language: "python", code }, never);
          assert.equal(stdout, "True\n", stderr);
        });
      }
    });
  }
}

test("worker processes that lock each other out run under bubblewrap", async () => {
  const sandbox = await openSandbox({ backends: ["bubblewrap"], level: "soft" }, never);
  const code =
    "import multiprocessing as m\ndef f(q):\n  import numpy\n  q.put(int(numpy.arange(3).sum()))\nif __name__ == '__main__':\n  c = m.get_context('spawn'); q = c.SimpleQueue(); p = c.Process(target=f, args=(q,)); p.start(); p.join(); print(q.get())";
  const { stdout, stderr } = await sandbox.run({ language: "python", code }, never);
  await sandbox.close();
  assert.equal(stdout, "3\n", stderr);
});

// Runs one Python program in Pyodide. Arguments: the folder of Pyodide, the bound of its memory in bytes, and the file with its snapshot, or "make".
import process from "node:process";
import { end, receive, send, sendFile, STDERR, STDOUT } from "./channel.mjs";

const [, , folder, memoryBytes, snapshot] = process.argv;
const PAGE_BYTES = 65_536;
const WORK = "/home/pyodide/work";

// The interpreter makes its memory itself, with the largest bound there is, and asks for more of it here.
const grow = Object.getOwnPropertyDescriptor(WebAssembly.Memory.prototype, "grow")?.value;
WebAssembly.Memory.prototype.grow = function growWithinBound(pages) {
  if (this.buffer.byteLength + pages * PAGE_BYTES > Number(memoryBytes)) throw new RangeError("the bound of the program's memory");
  return Reflect.apply(grow, this, [pages]);
};

const { loadPyodide } = await import(new URL(`file://${folder}/pyodide.mjs`).href);

if (snapshot === "make") {
  const python = await loadPyodide({ indexURL: `${folder}/`, _makeSnapshot: true });
  sendFile("snapshot", python.makeMemorySnapshot());
  end(0);
}

const python = await loadPyodide({ indexURL: `${folder}/`, _loadSnapshot: globalThis.Deno.readFileSync(snapshot) });
const { FS } = python;
const program = await receive();

FS.mkdirTree(WORK);
FS.chdir(WORK);
for (const [name, content] of program.files) {
  if (name.includes("/")) FS.mkdirTree(`${WORK}/${name.split("/").slice(0, -1).join("/")}`);
  FS.writeFile(`${WORK}/${name}`, content);
}

const writer = (kind) => ({ isatty: false, write: (bytes) => (send(kind, bytes), bytes.length) });
python.setStdout(writer(STDOUT));
python.setStderr(writer(STDERR));
let unread = new TextEncoder().encode(program.stdin);
python.setStdin({
  read(buffer) {
    const piece = unread.subarray(0, buffer.length);
    buffer.set(piece);
    unread = unread.subarray(piece.length);
    return piece.length;
  },
});

function collect(folderPath, prefix) {
  FS.chmod(folderPath, 0o700);
  for (const name of FS.readdir(folderPath)) {
    if (name === "." || name === "..") continue;
    const path = `${folderPath}/${name}`;
    const { mode } = FS.lstat(path);
    if (FS.isFile(mode)) FS.chmod(path, 0o600);
    if (FS.isDir(mode)) collect(path, `${prefix}${name}/`);
    else if (FS.isFile(mode)) sendFile(`${prefix}${name}`, FS.readFile(path));
  }
}

function finish(exitCode) {
  try {
    collect(WORK, "");
  } finally {
    end(exitCode);
  }
}

python.registerJsModule("_sandbox", { finish });
const RUN = `
def run(name):
    import os, sys, traceback
    import _sandbox
    def leave(code):
        _sandbox.finish(int(code) & 255)
    os._exit = leave
    # What the interpreter says to itself.
    for variable in ("LD_LIBRARY_PATH", "PYTHONINSPECT"):
        os.environ.pop(variable, None)
    os.chdir("${WORK}")
    path = os.path.join(os.getcwd(), name)
    sys.argv = [path]
    sys.path.insert(0, os.getcwd())
    main = type(sys)("__main__")
    main.__file__ = path
    sys.modules["__main__"] = main
    code = 0
    try:
        with open(path, "rb") as file:
            source = file.read()
        exec(compile(source, path, "exec", dont_inherit=True), main.__dict__)
    except SystemExit as error:
        code = error.code
        if code is None:
            code = 0
        elif not isinstance(code, int):
            print(code, file=sys.stderr)
            code = 1
    except BaseException:
        kind, error, trace = sys.exc_info()
        traceback.print_exception(kind, error, trace.tb_next)
        code = 1
    for stream in (sys.stdout, sys.stderr):
        try: stream.flush()
        except BaseException: pass
    _sandbox.finish(code & 255)
run("${program.entry}")
`;
try {
  await python.runPythonAsync(RUN);
} catch (error) {
  // The interpreter itself broke down, as when a program asks it to start a process.
  send(STDERR, new TextEncoder().encode(`${error?.message ?? error}\n`));
}
end(1);

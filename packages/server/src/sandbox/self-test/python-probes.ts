import type { Probes } from "./probes.ts";

/** What the self-test runs where there is Python: each tries to do what a sandbox must not let it, and says how far it came. */
export const pythonProbes: Probes = {
  language: "python",
  look: (facts) => `
import json, os, socket
P = ${facts}
def attempt(name, act):
    try: print(name, act(), flush=True)
    except BaseException as e: print("blocked", name, type(e).__name__, flush=True)
def connect(family, address):
    s = socket.socket(family); s.settimeout(1); s.connect(address); s.sendall(b"hit"); return "reached"
attempt("NETWORK", lambda: connect(socket.AF_INET, ("127.0.0.1", P["port"])))
attempt("NETWORK", lambda: connect(socket.AF_UNIX, P["unixPath"]))
attempt("NETWORK", lambda: connect(40, (2, 1)))
attempt("FILES", lambda: open(P["canaryFile"]).read())
attempt("FILES", lambda: open("/proc/%d/root%s" % (P["pid"], P["canaryFile"])).read())
attempt("FILES", lambda: open(P["canaryDir"] + "/written", "w").write("x"))
attempt("ENVIRONMENT", lambda: open("/proc/%d/environ" % P["pid"], "rb").read(1))
print("NAMES", json.dumps(sorted(os.environ)), flush=True)
attempt("linked", lambda: os.symlink(P["canaryFile"], "link.txt"))
attempt("linked", lambda: os.symlink(P["canaryDir"], "folder"))
attempt("piped", lambda: os.mkfifo("pipe"))
attempt("sparse", lambda: os.truncate(open("sparse.bin", "wb").fileno(), 1 << 33))
count = 0
try:
    for _ in range(200):
        if os.fork() == 0:
            import time; time.sleep(5); os._exit(0)
        count += 1
except BaseException: pass
print("FORKED", count, flush=True)
os._exit(0)
`,
  time: `
import signal, time
for s in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGALRM):
    try: signal.signal(s, signal.SIG_IGN)
    except Exception: pass
time.sleep(20)
`,
  // Children hold 64 MB each, all at once; those that still live when all have said so, or have died, count: a busy machine needs longer.
  memory: `
import os, select, time
pieces = [bytearray(8 << 20)]
r, w = os.pipe()
kids = set()
full = 0
try:
    for i in range(4):
        pid = os.fork()
        if pid == 0:
            held = bytearray(64 << 20)
            held[::4096] = b"x" * len(held[::4096])
            os.write(w, b"."); time.sleep(10); os._exit(0)
        kids.add(pid)
    until = time.monotonic() + 5
    while full < len(kids) and time.monotonic() < until:
        if select.select([r], [], [], 0.02)[0]: full += len(os.read(r, 4))
        for pid in list(kids):
            if os.waitpid(pid, os.WNOHANG)[0] != 0: kids.discard(pid)
    time.sleep(0.2)
    held = sum(1 for pid in kids if os.waitpid(pid, os.WNOHANG) == (0, 0))
except BaseException:
    held = 0
    for i in range(64):
        pieces.append(bytearray(b"x" * (8 << 20)))
        print("HELD_MB", 8 * len(pieces), flush=True)
print("HELD_MB", 64 * held, flush=True)
os._exit(0)
`,
  output: `
import sys
for i in range(256): sys.stdout.write("y" * 65536)
`,
  survivor: (mark) => `
import os, sys
try:
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0: os.execv(sys.executable, [sys.executable, "-c", "import time; time.sleep(30)  # ${mark}"])
        os._exit(0)
    import signal
    os.kill(os.getppid(), signal.SIGKILL)
except BaseException: pass
print("left", flush=True)
`,
  cpu: `
import os, time
began = time.time()
try: pid = os.fork()
except BaseException: pid = -1
while time.time() - began < 0.8: pass
if pid == 0: os._exit(0)
if pid > 0: os.waitpid(pid, 0)
used = os.times()
print("CPU_PERCENT", int(100 * (used[0] + used[1] + used[2] + used[3]) / (time.time() - began)), flush=True)
`,
};

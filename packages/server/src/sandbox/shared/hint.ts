import type { SandboxReason, SandboxResult } from "@tutti/core/sandbox";

interface Sign {
  readonly errno: string;
  readonly pattern: RegExp;
  readonly message: string;
}

const NETWORK = "the sandbox has no network, not even on this machine; give the program its data as files";

/** What programs print when something was refused, the most telling first. */
const SIGNS: readonly Sign[] = [
  { errno: "ENOSPC", pattern: /\bENOSPC\b|No space left on device/, message: "its folders are full; raise diskBytes" },
  { errno: "EFBIG", pattern: /\bEFBIG\b|File too large/, message: "a file is as large as its folders may be; raise diskBytes" },
  {
    errno: "ENOMEM",
    pattern: /\bENOMEM\b|\bMemoryError\b|Cannot allocate memory|heap out of memory/,
    message: "its memory is used up; raise memoryBytes",
  },
  {
    errno: "EAGAIN",
    pattern: /\bEAGAIN\b|BlockingIOError.*\[Errno 11\]|Resource temporarily unavailable|can't start new thread|Cannot fork/,
    message: "it has as many processes as it may; raise processesMax",
  },
  { errno: "EMFILE", pattern: /\bEMFILE\b|Too many open files/, message: "it has too many files open; close some" },
  {
    errno: "EROFS",
    pattern: /\bEROFS\b|Read-only file system/,
    message: "it can only write to its working folder and to its temporary folder",
  },
  {
    errno: "ENETUNREACH",
    pattern:
      /\bENETUNREACH\b|Network is unreachable|\bEAI_AGAIN\b|\bENOTFOUND\b|Temporary failure in name resolution|Name or service not known/,
    message: NETWORK,
  },
  { errno: "ECONNREFUSED", pattern: /\bECONNREFUSED\b|Connection refused/, message: NETWORK },
  { errno: "EAFNOSUPPORT", pattern: /\bEAFNOSUPPORT\b|Address family not supported/, message: NETWORK },
  {
    errno: "EACCES",
    pattern: /\bEACCES\b|Permission denied/,
    message: "it can only use its working folder, its temporary folder and the system's programs",
  },
  {
    errno: "EPERM",
    pattern: /\bEPERM\b|Operation not permitted/,
    message: "the sandbox forbids what was tried: network, mounts, namespaces, devices and the like",
  },
];

/** What the sandbox refused, as far as it shows in what the program said last; nothing when it ended well. */
export function hintOf(ending: {
  readonly reason: SandboxReason;
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly stderr: string;
}): SandboxResult["hint"] {
  if (ending.reason === "exit" && ending.exitCode === 0) return undefined;
  if (ending.signal === "SIGSYS" || ending.exitCode === SIGSYS_EXIT)
    return { errno: "ENOSYS", message: "it made a system call of another architecture, which the sandbox ends" };
  const tail = ending.stderr.slice(-TAIL_CHARACTERS);
  const sign = SIGNS.find(({ pattern }) => pattern.test(tail));
  return sign === undefined ? undefined : { errno: sign.errno, message: sign.message };
}

const TAIL_CHARACTERS = 4_096;
const SIGSYS_EXIT = 128 + 31;

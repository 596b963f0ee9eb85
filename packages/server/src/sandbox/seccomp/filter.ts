import { AppError } from "@tutti/core";
import { ABSENT_CALLS, CHECKED_CALLS, FORBIDDEN_CALLS, SAME_USER_CALLS, SHARED_CALLS, UNSUPPORTED_CALLS } from "./system-calls.ts";

/** An instruction of classic BPF (linux/filter.h): operation, where to jump when true and when false, operand. */
type Instruction = readonly [code: number, whenTrue: number, whenFalse: number, operand: number];

const LOAD = 0x20;
const JUMP_EQUAL = 0x15;
const JUMP_AT_LEAST = 0x35;
const JUMP_ANY_BIT = 0x45;
const RETURN = 0x06;

const ALLOW = 0x7fff_0000;
const KILL_PROCESS = 0x8000_0000;
const ERRNO = 0x0005_0000;

const EPERM = 1;
const ENOSYS = 38;
const EOPNOTSUPP = 95;
const EAFNOSUPPORT = 97;

/** Offsets in `struct seccomp_data`; arguments are 64 bits wide, little-endian on both architectures, and the low half is what counts here. */
const NUMBER = 0;
const ARCHITECTURE = 4;
const argument = (index: number): number => 16 + 8 * index;

const ARCHITECTURES = { x64: { audit: 0xc000_003e, column: 0 }, arm64: { audit: 0xc000_00b7, column: 1 } } as const;
const X32_BIT = 0x4000_0000;

const AF_UNIX = 1;
/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. */
const CLONE_NAMESPACES = 0x7e02_0000;
/** Pushes characters into the terminal's input, as if somebody had typed them. */
const TIOCSTI = 0x5412;
/** PR_SET_DUMPABLE. */
const SET_DUMPABLE = 4;

/** What may differ between filters. */
export interface FilterOptions {
  /** Whether unix sockets may be made; no other kind ever may. */
  readonly allowsUnixSockets: boolean;
  /** Without namespaces of its own: then what others of this machine would see is forbidden too. */
  readonly isShared?: boolean;
  /** Whether the program runs under a number of its own, so that it cannot touch what else its user has. */
  readonly hasOwnUid?: boolean;
}

/** Whether there is a filter for this machine's processor. */
function hasFilter(architecture: string): architecture is keyof typeof ARCHITECTURES {
  return architecture in ARCHITECTURES;
}

/**
 * A seccomp filter as the bytes that the kernel reads: no sockets of any family (network namespaces do not cover vsock), no namespaces, no mounts
 * and nothing of the kernel's that programs do not need. Throws `unsupported` for processors without a table of numbers.
 */
export function seccompFilter(architecture: string, options: FilterOptions): Buffer {
  if (!hasFilter(architecture))
    throw new AppError("unsupported", `wanted an x64 or arm64 processor, got ${architecture}; there is no system call filter for it`);
  return assemble(instructions(architecture, options));
}

function instructions(
  architecture: keyof typeof ARCHITECTURES,
  { allowsUnixSockets, isShared = false, hasOwnUid = true }: FilterOptions,
): readonly Instruction[] {
  const { audit, column } = ARCHITECTURES[architecture];
  const refuseAll = (calls: typeof FORBIDDEN_CALLS, errno: number): readonly Instruction[] =>
    Object.values(calls)
      .map((numbers) => numbers[column])
      .flatMap((number) => (number === null ? [] : [jump(JUMP_EQUAL, number, { whenFalse: 1 }), give(ERRNO | errno)]));
  return [
    [LOAD, 0, 0, ARCHITECTURE],
    // Numbers mean other calls to programs of another architecture.
    jump(JUMP_EQUAL, audit, { whenTrue: 1 }),
    give(KILL_PROCESS),
    [LOAD, 0, 0, NUMBER],
    ...(architecture === "x64" ? [jump(JUMP_AT_LEAST, X32_BIT, { whenFalse: 1 }), give(ERRNO | ENOSYS)] : []),
    ...(allowsUnixSockets
      ? checked(CHECKED_CALLS.socket[column], 0, [jump(JUMP_EQUAL, AF_UNIX, { whenTrue: 1 }), give(ERRNO | EAFNOSUPPORT)])
      : refuseAll({ socket: CHECKED_CALLS.socket }, EAFNOSUPPORT)),
    ...checked(CHECKED_CALLS.clone[column], 0, [jump(JUMP_ANY_BIT, CLONE_NAMESPACES, { whenFalse: 1 }), give(ERRNO | EPERM)]),
    ...checked(CHECKED_CALLS.ioctl[column], 1, [jump(JUMP_EQUAL, TIOCSTI, { whenFalse: 1 }), give(ERRNO | EPERM)]),
    ...refuseAll(ABSENT_CALLS, ENOSYS),
    ...refuseAll(FORBIDDEN_CALLS, EPERM),
    ...(isShared ? refuseAll(SHARED_CALLS, EPERM) : []),
    ...(isShared ? refuseAll(UNSUPPORTED_CALLS, EOPNOTSUPP) : []),
    // Whoever cannot be looked into cannot be watched.
    ...(isShared ? checked(CHECKED_CALLS.prctl[column], 0, [jump(JUMP_EQUAL, SET_DUMPABLE, { whenFalse: 1 }), give(ERRNO | EPERM)]) : []),
    ...(hasOwnUid ? [] : refuseAll(SAME_USER_CALLS, EPERM)),
    // Zero is the process itself.
    ...(hasOwnUid ? [] : checked(CHECKED_CALLS.prlimit64[column], 0, [jump(JUMP_EQUAL, 0, { whenTrue: 1 }), give(ERRNO | EPERM)])),
    give(ALLOW),
  ];
}

const give = (action: number): Instruction => [RETURN, 0, 0, action];

function jump(
  code: number,
  operand: number,
  { whenTrue = 0, whenFalse = 0 }: { readonly whenTrue?: number; readonly whenFalse?: number },
): Instruction {
  return [code, whenTrue, whenFalse, operand];
}

/** Looks at one argument of a call; what `test` does not refuse is allowed. */
function checked(number: number, index: number, test: readonly Instruction[]): readonly Instruction[] {
  const body: readonly Instruction[] = [[LOAD, 0, 0, argument(index)], ...test, give(ALLOW)];
  return [jump(JUMP_EQUAL, number, { whenFalse: body.length }), ...body];
}

function assemble(program: readonly Instruction[]): Buffer {
  const bytes = Buffer.alloc(program.length * 8);
  for (const [index, [code, whenTrue, whenFalse, operand]] of program.entries()) {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(whenTrue, index * 8 + 2);
    bytes.writeUInt8(whenFalse, index * 8 + 3);
    bytes.writeUInt32LE(operand >>> 0, index * 8 + 4);
  }
  return bytes;
}

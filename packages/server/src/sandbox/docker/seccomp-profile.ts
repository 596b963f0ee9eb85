/**
 * The system calls that programs may use: those of interpreters, compilers and their files, and no others. Stricter than what engines allow by
 * themselves: no new namespaces, no tracing or reading of other processes, no keys, no BPF, no io_uring, no performance events, no modules,
 * no clocks to set, and of sockets only unix and internet ones, which end at the container's own loopback.
 */
export const seccompProfile = {
  defaultAction: "SCMP_ACT_ERRNO",
  defaultErrnoRet: 1,
  archMap: [
    { architecture: "SCMP_ARCH_X86_64", subArchitectures: [] },
    { architecture: "SCMP_ARCH_AARCH64", subArchitectures: [] },
  ],
  syscalls: [
    { action: "SCMP_ACT_ALLOW", names: names() },
    // AF_UNIX, AF_INET, AF_INET6: neither vsock, netlink, packet nor the kernel's cryptography.
    ...[1, 2, 10].map((value) => allowWhen("socket", { index: 0, value, op: "SCMP_CMP_EQ" })),
    allowWhen("socketpair", { index: 0, value: 1, op: "SCMP_CMP_EQ" }),
    // Without any of the CLONE_NEW… flags.
    allowWhen("clone", { index: 0, value: 0x7e02_0000, valueTwo: 0, op: "SCMP_CMP_MASKED_EQ" }),
    // Its flags lie in memory, where a filter cannot look: C libraries fall back to clone.
    { action: "SCMP_ACT_ERRNO", errnoRet: 38, names: ["clone3"] },
    ...[0x0, 0xffff_ffff].map((value) => allowWhen("personality", { index: 0, value, op: "SCMP_CMP_EQ" })),
  ],
} as const;

/** The same for a program that lives on: of sockets only unix ones, or none. */
export function jailSeccompProfile(allowsUnixSockets: boolean): unknown {
  const calls = seccompProfile.syscalls.filter((call) => call.names[0] !== "socket");
  const refused = { action: "SCMP_ACT_ERRNO", errnoRet: EAFNOSUPPORT, names: ["socket"] };
  const unix = { index: 0, value: AF_UNIX };
  const sockets = allowsUnixSockets
    ? [allowWhen("socket", { ...unix, op: "SCMP_CMP_EQ" }), { ...refused, args: [{ ...unix, op: "SCMP_CMP_NE" }] }]
    : [refused];
  return { ...seccompProfile, syscalls: [...calls, ...sockets] };
}

const AF_UNIX = 1;
const EAFNOSUPPORT = 97;

interface AllowedWhen {
  readonly action: string;
  readonly names: readonly string[];
  readonly args: readonly unknown[];
}

function allowWhen(name: string, argument: Readonly<Record<string, unknown>>): AllowedWhen {
  return { action: "SCMP_ACT_ALLOW", names: [name], args: [argument] };
}

function names(): readonly string[] {
  return [
    // Files and folders.
    "access faccessat faccessat2 open openat openat2 creat close close_range read write readv writev pread64 pwrite64 preadv pwritev preadv2",
    "pwritev2 lseek _llseek truncate ftruncate fallocate fadvise64 readahead stat fstat lstat newfstatat statx statfs fstatfs getdents getdents64",
    "getcwd chdir fchdir mkdir mkdirat rmdir unlink unlinkat rename renameat renameat2 link linkat symlink symlinkat readlink readlinkat",
    "chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat umask utime utimes utimensat futimesat mknod mknodat flock fcntl dup dup2 dup3",
    "fsync fdatasync sync_file_range syncfs copy_file_range sendfile splice tee vmsplice ioctl getxattr lgetxattr fgetxattr listxattr llistxattr",
    "flistxattr inotify_init inotify_init1 inotify_add_watch inotify_rm_watch memfd_create pipe pipe2",
    // Memory.
    "brk mmap munmap mremap mprotect madvise mlock mlock2 munlock mincore msync membarrier pkey_alloc pkey_free pkey_mprotect rseq",
    "set_mempolicy get_mempolicy mbind",
    // Processes, threads and signals.
    "fork vfork execve execveat exit exit_group wait4 waitid kill tkill tgkill pidfd_open pidfd_send_signal getpid getppid gettid getpgid setpgid",
    "getpgrp getsid setsid getuid geteuid getgid getegid getgroups getresuid getresgid setuid setgid setreuid setregid setresuid setresgid",
    "setgroups setfsuid setfsgid capget capset prctl arch_prctl set_tid_address set_thread_area get_thread_area set_robust_list get_robust_list",
    "futex futex_waitv rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigsuspend rt_sigtimedwait rt_sigqueueinfo rt_tgsigqueueinfo",
    "sigaltstack restart_syscall pause signalfd signalfd4 sched_yield sched_getaffinity sched_setaffinity sched_getparam sched_getscheduler",
    "sched_setscheduler sched_setparam sched_getattr sched_get_priority_max sched_get_priority_min sched_rr_get_interval getpriority setpriority",
    "getrlimit setrlimit prlimit64 getrusage times getcpu",
    // Time and waiting.
    "clock_gettime clock_getres clock_nanosleep gettimeofday time nanosleep alarm getitimer setitimer timer_create timer_settime timer_gettime",
    "timer_getoverrun timer_delete timerfd_create timerfd_settime timerfd_gettime select pselect6 poll ppoll epoll_create epoll_create1 epoll_ctl",
    "epoll_ctl_old epoll_wait epoll_wait_old epoll_pwait epoll_pwait2 eventfd eventfd2",
    // Sockets that exist already, and what processes of one program share.
    "bind listen accept accept4 connect getsockname getpeername getsockopt setsockopt sendto sendmsg sendmmsg recvfrom recvmsg recvmmsg shutdown",
    "shmget shmat shmctl shmdt semget semop semctl semtimedop mq_open mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr",
    // About the machine.
    "uname sysinfo getrandom",
  ].flatMap((line) => line.split(" "));
}

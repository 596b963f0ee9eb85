/** A call's number on x64 and on arm64; `null` where that architecture has none. */
type Numbers = readonly [x64: number | null, arm64: number | null];

/** Calls of the kernel that a program in a sandbox has no business with (linux/include/uapi/asm-generic/unistd.h, arch/x86/entry/syscalls). */
export const FORBIDDEN_CALLS: Readonly<Record<string, Numbers>> = {
  // Other file systems and other roots.
  mount: [165, 40],
  umount2: [166, 39],
  pivot_root: [155, 41],
  chroot: [161, 51],
  open_tree: [428, 428],
  move_mount: [429, 429],
  fsopen: [430, 430],
  fsconfig: [431, 431],
  fsmount: [432, 432],
  fspick: [433, 433],
  mount_setattr: [442, 442],
  open_tree_attr: [467, 467],
  name_to_handle_at: [303, 264],
  open_by_handle_at: [304, 265],
  quotactl: [179, 60],
  quotactl_fd: [443, 443],
  swapon: [167, 224],
  swapoff: [168, 225],
  fanotify_init: [300, 262],
  // Other namespaces.
  unshare: [272, 97],
  setns: [308, 268],
  // Other processes, and parts of the kernel with a long history of holes.
  ptrace: [101, 117],
  process_vm_readv: [310, 270],
  process_vm_writev: [311, 271],
  process_madvise: [440, 440],
  pidfd_getfd: [438, 438],
  kcmp: [312, 272],
  userfaultfd: [323, 282],
  bpf: [321, 280],
  perf_event_open: [298, 241],
  keyctl: [250, 219],
  add_key: [248, 217],
  request_key: [249, 218],
  move_pages: [279, 239],
  migrate_pages: [256, 238],
  memfd_secret: [447, 447],
  personality: [135, 92],
  modify_ldt: [154, null],
  vhangup: [153, 58],
  // What outlives its processes.
  shmget: [29, 194],
  semget: [64, 190],
  msgget: [68, 186],
  mq_open: [240, 180],
  // The machine itself.
  reboot: [169, 142],
  kexec_load: [246, 104],
  kexec_file_load: [320, 294],
  init_module: [175, 105],
  finit_module: [313, 273],
  delete_module: [176, 106],
  acct: [163, 89],
  syslog: [103, 116],
  settimeofday: [164, 170],
  clock_settime: [227, 112],
  clock_adjtime: [305, 266],
  adjtimex: [159, 171],
  sethostname: [170, 161],
  setdomainname: [171, 162],
  iopl: [172, null],
  ioperm: [173, null],
  uselib: [134, null],
  sysfs: [139, null],
  nfsservctl: [180, 42],
  lookup_dcookie: [212, 18],
};

/** Calls that programs do without when the kernel says that it has none. */
export const ABSENT_CALLS: Readonly<Record<string, Numbers>> = {
  // Its operations pass a filter of system calls by.
  io_uring_setup: [425, 425],
  io_uring_enter: [426, 426],
  io_uring_register: [427, 427],
  // Its flags stand in memory, where a filter cannot look; C libraries fall back to `clone`.
  clone3: [435, 435],
};

/** Memory that a watch over processes does not see. */
export const SHARED_CALLS: Readonly<Record<string, Numbers>> = { memfd_create: [319, 279] };

/** Takes a disk faster than a watch over folders sees it; C libraries write zeros instead. */
export const UNSUPPORTED_CALLS: Readonly<Record<string, Numbers>> = { fallocate: [285, 47] };

/** What a program could do to other files and processes of its user, and Landlock does not forbid. */
export const SAME_USER_CALLS: Readonly<Record<string, Numbers>> = {
  chmod: [90, null],
  fchmodat: [268, 53],
  fchmodat2: [452, 452],
  chown: [92, null],
  lchown: [94, null],
  fchownat: [260, 54],
  setxattr: [188, 5],
  lsetxattr: [189, 6],
  removexattr: [197, 14],
  lremovexattr: [198, 15],
  setxattrat: [463, 463],
  removexattrat: [466, 466],
  setpriority: [141, 140],
  sched_setparam: [142, 118],
  sched_setscheduler: [144, 119],
  sched_setaffinity: [203, 122],
  sched_setattr: [314, 274],
  ioprio_set: [251, 30],
};

/** Calls that are looked at more closely. */
export const CHECKED_CALLS = {
  socket: [41, 198],
  clone: [56, 220],
  ioctl: [16, 29],
  prlimit64: [302, 261],
  prctl: [157, 167],
} as const satisfies Readonly<Record<string, Numbers>>;

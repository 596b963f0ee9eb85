# Starts a program that may touch only what it is told to, guards it, and tells how it ended. Perl because it is part of every Debian and Ubuntu,
# starts in 2 ms, and makes any system call without a compiler. Descriptors 3 and 4 go to the program; on 4 we say how it
# ended. Descriptor 5 is ours: "go" begins the watch, "kill" ends the program, its end means that whoever started us is gone.
use strict;
use warnings;

my (%o, @read, @write, @device);
while (@ARGV) {
    my $name = shift @ARGV;
    last if $name eq "--";
    my $value = shift @ARGV;
    if    ($name eq "--read")   { push @read,   $value }
    elsif ($name eq "--write")  { push @write,  $value }
    elsif ($name eq "--device") { push @device, $value }
    else                        { $o{ substr $name, 2 } = $value }
}

my %NR = $o{arch} eq "x64"
    ? (prctl => 157, seccomp => 317, prlimit => 302, landlock => 444)
    : (prctl => 167, seccomp => 277, prlimit => 261, landlock => 444);
my ($NO_NEW_PRIVS, $SUBREAPER, $DEATH_SIGNAL) = (38, 36, 1);
my ($CORE, $DATA, $FSIZE, $NPROC, $NOFILE) = (4, 2, 1, 6, 7);

sub must { my ($what, $result) = @_; return $result if $result != -1; print STDERR "$what: $!\n"; exit 125 }

sub slurp { open(my $file, "<:raw", $_[0]) or return ""; local $/; my $text = <$file>; return defined $text ? $text : "" }

sub limit { my ($kind, $value) = @_; my $both = pack "QQ", $value, $value; must("prlimit $kind", syscall($NR{prlimit}, 0, $kind, $both, 0)) }

# Landlock: everything is forbidden but what the rules name. What an older kernel does not know, the self-test finds out.
sub landlock {
    my $abi = syscall($NR{landlock}, 0, 0, 1);
    if ($abi < 1) { print STDERR "this kernel has no Landlock: $!\n"; exit 125 }
    my $files = $abi >= 5 ? 0xffff : $abi >= 3 ? 0x7fff : $abi >= 2 ? 0x3fff : 0x1fff;
    my $attribute = pack "Q", $files;
    $attribute .= pack "Q", 3 if $abi >= 4;
    $attribute .= pack "Q", 3 if $abi >= 6;
    my $rules = must("landlock_create_ruleset", syscall($NR{landlock}, $attribute, length $attribute, 0));
    my $allow = sub {
        my ($path, $rights) = @_;
        sysopen(my $handle, $path, 0x200000) or return;
        # Files have fewer rights than folders: execute, write, read, truncate.
        $rights &= 0x4007 if !-d $path;
        my $rule = pack "Ql", $rights & $files, fileno $handle;
        must("landlock_add_rule $path", syscall($NR{landlock} + 1, $rules, 1, $rule, 0));
        close $handle;
    };
    $allow->($_, 0x000d) for @read;
    # All but making devices.
    $allow->($_, 0x77bf) for @write;
    $allow->($_, 0x4006) for @device;
    must("landlock_restrict_self", syscall($NR{landlock} + 2, $rules, 0));
}

sub filter {
    my ($bytes) = @_;
    my $program = pack "Sx6P", length($bytes) / 8, $bytes;
    must("seccomp", syscall($NR{seccomp}, 1, 0, $program));
}

# Tasks that an ordinary user has already count against the limit too.
sub tasks_of_user {
    my $count = 0;
    for my $path (glob "/proc/[0-9]*") {
        my $owner = (stat $path)[4];
        next if !defined $owner || $owner != $>;
        opendir(my $tasks, "$path/task") or next;
        $count += grep { /^\d/ } readdir $tasks;
    }
    return $count;
}

sub become_program {
    setpgrp;
    if (open my $ours, "<&=", 5) { close $ours }
    my $tasks = $o{uid} ? 0 : tasks_of_user();
    if ($o{uid}) {
        $) = "$o{uid} $o{uid}";
        $( = $o{uid};
        ($<, $>) = ($o{uid}, $o{uid});
        if ($< != $o{uid} || $> != $o{uid} || $) !~ /^$o{uid} $o{uid}$/) { print STDERR "could not become $o{uid}\n"; exit 125 }
    }
    my $filter = slurp($o{filter});
    chdir $o{cwd} or die "chdir $o{cwd}: $!";
    umask 022;
    limit($CORE, 0);
    limit($NOFILE, 1024);
    limit($FSIZE, $o{disk});
    limit($DATA, $o{data});
    limit($NPROC, $tasks + $o{processes} + 1);
    must("no_new_privs", syscall($NR{prctl}, $NO_NEW_PRIVS, 1, 0, 0, 0));
    landlock();
    filter($filter);
    exec { $ARGV[0] } @ARGV or print STDERR "exec $ARGV[0]: $!\n";
    exit 126;
}

must("subreaper", syscall($NR{prctl}, $SUBREAPER, 1, 0, 0, 0));
my $program = fork;
die "fork: $!" if !defined $program;
become_program() if $program == 0;
if (open my $control, "<&=", 3) { close $control }
open(my $said, ">&=", 4) or die "descriptor 4: $!";
open(my $host, "<&=", 5) or die "descriptor 5: $!";

# All that came from us. Orphans come back to us, so that nothing leaves the tree.
sub descendants {
    my (@all, @next);
    @next = ($$);
    while (@next) {
        my $pid = shift @next;
        for my $tasks (glob "/proc/$pid/task/*/children") { push @next, split ' ', slurp($tasks) }
        push @all, $pid if $pid != $$;
        last if @all > 20_000;
    }
    return @all;
}

sub kilobytes { my ($text, @names) = @_; my $sum = 0; for my $name (@names) { $sum += $1 if $text =~ /^$name:\s+(\d+)/m } return $sum }

# Memory that is theirs alone, in bytes. Shared pages count once; that is dear to find out, so only when it matters.
sub memory {
    my ($limit, @pids) = @_;
    my $quick = 0;
    $quick += kilobytes(slurp("/proc/$_/status"), "RssAnon", "RssShmem") for @pids;
    return $quick * 1024 if $quick * 1024 <= $limit;
    my $exact = 0;
    for my $pid (@pids) {
        my $rollup = slurp("/proc/$pid/smaps_rollup");
        # Where we may not look into it, shared pages count for each who has them.
        $exact += $rollup ne "" ? kilobytes($rollup, "Pss_Anon", "Pss_Shmem") : kilobytes(slurp("/proc/$pid/status"), "RssAnon", "RssShmem");
    }
    return $exact * 1024;
}

# What files without a name take: somebody holds them open, or has them in its memory.
sub nameless {
    my (%bytes, $entries);
    for my $pid (@_) {
        for my $path (glob "/proc/$pid/fd/*") {
            last if ++$entries > 20_000;
            my @found = stat $path;
            $bytes{"$found[1]"} = 512 * $found[12] if @found && -f _ && $found[3] == 0;
        }
        for (grep { / \(deleted\)$/ && /\Q$o{box}\E/ } split /\n/, slurp("/proc/$pid/maps")) {
            my ($from, $to, $inode) = /^([0-9a-f]+)-([0-9a-f]+) \S+ \S+ \S+ (\d+)/ or next;
            $bytes{$inode} //= hex($to) - hex $from;
        }
    }
    my $sum = 0;
    $sum += $_ for values %bytes;
    return $sum;
}

sub disk {
    my @folders = ($o{box});
    my ($bytes, $entries) = (nameless(@_), 0);
    while (@folders) {
        my $folder = shift @folders;
        opendir(my $handle, $folder) or next;
        while (defined(my $name = readdir $handle)) {
            next if $name eq "." || $name eq "..";
            return $o{disk} + 1 if ++$entries > 20_000;
            my @found = lstat "$folder/$name";
            next if !@found;
            $bytes += 512 * $found[12];
            push @folders, "$folder/$name" if -d _;
        }
    }
    return $bytes;
}

my ($reason, $status, $used, $peak, $is_watching, $unseen) = ("", undef, 0, 0, 0, 1);
$SIG{CHLD} = sub { };
$SIG{PIPE} = "IGNORE";

sub reap { while ((my $pid = waitpid(-1, 1)) > 0) { $status = $? if $pid == $program } }

sub kill_all {
    for (1 .. 5_000) {
        my @left = descendants();
        kill 9, @left if @left;
        reap();
        last if !@left;
        select undef, undef, undef, 0.001;
    }
    reap();
}

while (1) {
    reap();
    last if defined $status || $reason ne "";
    my $ready = "";
    vec($ready, fileno $host, 1) = 1;
    # Who is half way to the limit is looked at more often.
    my $pause = !$is_watching ? 5 : $used * 2 > $o{memory} ? 0.004 : 0.02;
    my $count = select($ready, undef, undef, $pause);
    if ($count > 0) {
        my $size = sysread $host, my $said, 64;
        if (!$size) { kill_all(); exit 0 }
        $reason = "killed" if $said =~ /kill/;
        # The first look comes a moment later, so as not to be in the way of a program that is about to begin.
        if ($said =~ /go/) { $is_watching = 1; next }
    }
    next if !$is_watching;
    my @pids = descendants();
    $used = memory($o{memory}, @pids);
    $peak = $used if $used > $peak;
    $reason = "oom" if $used > $o{memory};
    # One above the limit is the program itself.
    $reason = "processes" if @pids > $o{processes} + 1;
    # Its folders are dear to look through.
    $unseen += $pause;
    next if $unseen < 0.1;
    $unseen = 0;
    $reason = "disk" if disk(@pids) > $o{disk};
}
my $why = $reason;
kill_all();
my (undef, undef, $user, $system) = times;
$status = 9 if !defined $status;
printf $said "end %s %d %d %d %d\n", $why || "exit", $status >> 8, $status & 127, ($user + $system) * 1000, $peak;

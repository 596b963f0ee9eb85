# Starts the processes of sandboxes and tells how they end. A fork from here costs a tenth of one from a large process, a process that moves
# itself into a cgroup waits for nobody, and nothing that whoever started us has open gets into a sandbox. Perl because it is part of every Debian
# and Ubuntu and makes any system call without a compiler.
#
# Requests come over stdin: 32 bits of length, then fields divided by zero bytes. Answers are lines on stdout:
#   started ID PID DESCRIPTOR...   pipes of ours, to be opened through /proc; "opened ID" closes our ends
#   oom ID                         its cgroup was out of memory, so all of it was ended
#   exited ID STATUS               as wait(2) gives it
#   failed ID WHY
# The end of stdin means that whoever started us is gone.
use strict;
use warnings;
use POSIX ();

my $architecture = shift;
my %NR = $architecture eq "x64" ? (prlimit => 302, eventfd => 290) : (prlimit => 261, eventfd => 19);
@NR{"pidfd_open", "clone3"} = (434, 435);
my ($CLOSE_ON_EXEC, $CLONE_INTO_CGROUP, $SIGCHLD, $CORE) = (0x80000, 2**33, 17, 4);
# What a process reads: stdin, its program, its orders. All else it writes: stdout, stderr, what it has to say.
my %IS_READ = (0 => 1, 3 => 1, 5 => 1);

opendir(my $inherited, "/proc/self/fd") or die "/proc/self/fd: $!";
POSIX::close($_) for grep { /^\d+$/ && $_ > 2 && $_ != fileno $inherited } readdir $inherited;
closedir $inherited;
# Whatever is opened from here on has a number that is no place of a process's.
my @places = map { open(my $place, "<", "/dev/null") or die "/dev/null: $!"; $place } 3 .. 9;

my %cells;

sub say_line { syswrite(STDOUT, join(" ", @_) . "\n") or exit 0 }

sub put { my ($path, $text) = @_; open(my $file, ">", $path) or return 0; return syswrite $file, $text }

sub end_group {
    my ($folder) = @_;
    open(my $numbers, "<", "$folder/cgroup.procs") or return;
    my @pids = grep { $_ > 0 } map { chomp; $_ } <$numbers>;
    kill 9, @pids if @pids;
}

# Version 1 ends one process of a group that is out of memory; told of it, we end the others.
sub watch_memory {
    my ($cell, $folder) = @_;
    return if $folder eq "";
    my $event = syscall($NR{eventfd}, 0, $CLOSE_ON_EXEC);
    return if $event < 0;
    @$cell{"event", "memory"} = ($event, $folder);
    open(my $control, "<", "$folder/memory.oom_control") or return;
    put("$folder/cgroup.event_control", "$event " . fileno $control);
}

# A process that begins in its group is charged for all it does, and nobody waits until it was moved.
sub fork_into {
    my ($folder, $joins) = @_;
    return fork if $folder eq "";
    if (sysopen(my $group, $folder, 0)) {
        my $arguments = pack "Q11", $CLONE_INTO_CGROUP, 0, 0, 0, $SIGCHLD, 0, 0, 0, 0, 0, fileno $group;
        my $pid = syscall($NR{clone3}, $arguments, length $arguments);
        return $pid if $pid >= 0;
    }
    # The filters of some containers hide that call.
    push @$joins, "$folder/cgroup.procs";
    return fork;
}

sub become {
    my ($request, $inside) = @_;
    for my $place (keys %$inside) { POSIX::dup2(fileno $inside->{$place}, $place) }
    for my $file (@{ $request->{joins} }) { put($file, "0") or fail("$file: $!") }
    my $none = pack "QQ", 0, 0;
    syscall($NR{prlimit}, 0, $CORE, $none, 0);
    my $uid = $request->{uid};
    if ($uid ne "") {
        $) = "$uid $uid";
        $( = $uid;
        ($<, $>) = ($uid, $uid);
        fail("could not become $uid") if $< != $uid || $> != $uid || $) !~ /^$uid $uid$/;
    }
    %ENV = map { split /=/, $_, 2 } @{ $request->{environment} };
    my @command = @{ $request->{command} };
    exec { $command[0] } @command or fail("$command[0]: $!");
}

sub fail { syswrite STDERR, "$_[0]\n"; POSIX::_exit(126) }

sub start {
    my ($id, $uid, $file, $into, $memory, @rest) = @_;
    my @joins = splice @rest, 0, shift @rest;
    my @environment = splice @rest, 0, shift @rest;
    my (%inside, %outside);
    for my $place ($file eq "" ? 0 .. 5 : 0 .. 4) {
        pipe(my $read, my $write) or return say_line("failed", $id, "pipe: $!");
        ($inside{$place}, $outside{$place}) = $IS_READ{$place} ? ($read, $write) : ($write, $read);
        # So that /dev/stdout and its like can be opened there.
        chown $uid, $uid, $read if $uid ne "";
    }
    if ($file ne "") { open($inside{5}, "<", $file) or return say_line("failed", $id, "$file: $!") }
    my %cell = (outside => \%outside);
    watch_memory(\%cell, $memory);
    my %request = (uid => $uid, joins => \@joins, environment => \@environment, command => \@rest);
    my $pid = fork_into($into, $request{joins});
    return say_line("failed", $id, "fork: $!") if !defined $pid;
    become(\%request, \%inside) if $pid == 0;
    my $ended = syscall($NR{pidfd_open}, $pid, 0);
    if ($ended < 0) { my $why = $!; kill 9, $pid; waitpid $pid, 0; return say_line("failed", $id, "pidfd_open: $why") }
    @cell{"pid", "ended"} = ($pid, $ended);
    $cells{$id} = \%cell;
    say_line("started", $id, $pid, map { fileno $outside{$_} } sort keys %outside);
}

sub take {
    my ($what, $id, @rest) = split /\0/, $_[0], -1;
    if ($what eq "start") { start($id, @rest) }
    elsif ($what eq "opened" && $cells{$id}) {
        delete $cells{$id}{outside};
        delete $cells{$id} if !defined $cells{$id}{ended};
    }
}

my $heard = "";
while (1) {
    my $ready = "";
    vec($ready, 0, 1) = 1;
    for my $cell (values %cells) { vec($ready, $_, 1) = 1 for grep { defined } @$cell{"ended", "event"} }
    next if select($ready, undef, undef, undef) < 0;
    if (vec($ready, 0, 1)) {
        sysread(STDIN, $heard, 65_536, length $heard) or exit 0;
        while (length $heard >= 4 && length $heard >= 4 + unpack "N", $heard) {
            my $length = unpack "N", $heard;
            take(substr $heard, 4, $length);
            substr($heard, 0, 4 + $length) = "";
        }
    }
    for my $id (keys %cells) {
        my $cell = $cells{$id};
        if (defined $cell->{event} && vec($ready, $cell->{event}, 1)) {
            POSIX::read($cell->{event}, my $count, 8);
            end_group($cell->{memory});
            say_line("oom", $id);
        }
        next if !defined $cell->{ended} || !vec($ready, $cell->{ended}, 1);
        waitpid $cell->{pid}, 0;
        say_line("exited", $id, $?);
        POSIX::close($_) for grep { defined } delete @$cell{"ended", "event"};
        # Our ends of its pipes stay until they were opened: what it said last is in them.
        delete $cells{$id} if !$cell->{outside};
    }
}

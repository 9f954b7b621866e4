# Lists the test files that `prove` would run for TESTPLAN_LISTING, or runs those of TESTPLAN_SELECTION by prove's own code
# and writes an event stream. Arguments are those of prove. docs/event-stream.md describes the format.
use strict;
use warnings;

package TestplanEvents;

use Cwd ();
use File::Spec ();
use JSON::PP ();
use Time::HiRes ();

our $folder  = Cwd::realpath('.');
our $process = $$;
our $json    = JSON::PP->new->utf8->canonical;

# Taken out: tests that start prove themselves must not write here.
our $target    = delete $ENV{TESTPLAN_EVENTS};
our $listing   = delete $ENV{TESTPLAN_LISTING};
our $selection = delete $ENV{TESTPLAN_SELECTION};

# Names of files are bytes; what is no UTF-8 is shown as Latin 1.
sub text {
    my ($bytes) = @_;
    my $text = defined $bytes ? "$bytes" : '';
    utf8::decode($text) unless utf8::is_utf8($text);
    return $text;
}

# Folder and name of a file, relative to the folder of the start if it is below it.
sub place {
    my ($path) = @_;
    my $full = File::Spec->rel2abs($path, $folder);
    $full = Cwd::realpath($full) if -e $full;
    my $prefix = $folder eq '/' ? '/' : "$folder/";
    my $inside = index($full, $prefix) == 0 ? substr($full, length $prefix) : $full;
    my ($suite, $name) = $inside =~ m{\A(.*)/([^/]*)\z}s ? ($1, $2) : ('.', $inside);
    return (text($suite), text($name));
}

sub cut {
    my ($text, $most) = @_;
    return $text if length $text <= $most;
    my $left = length($text) - $most;
    return substr($text, 0, $most / 2) . "\n[... $left characters left out ...]\n" . substr($text, -$most / 2);
}

# Newlines on both sides: what another process broke off must not spoil this line.
sub append {
    my ($kind, %event) = @_;
    return if !defined $target || $$ != $process;
    my $line = $json->encode({t => $kind, pid => $process, %event});
    my $is_open = open my $out, '>>:raw', $target;
    if (!$is_open || !defined syswrite $out, "\n$line\n") {
        undef $target;
        print STDERR "testplan: the event stream cannot be written: $!\n";
    }
    return;
}

package TestplanHarness;

our @ISA = ('TAP::Harness');
my (%lines, %begun);

sub _initialize {
    my ($self, @arguments) = @_;
    $self = $self->SUPER::_initialize(@arguments);
    $self->callback(made_parser => sub { begin($_[1]) });
    $self->callback(after_test  => sub { finish(@_) });
    return $self;
}

sub begin {
    my ($job) = @_;
    my $path = ref $job eq 'ARRAY' ? $job->[0] : $job->filename;
    my ($suite, $name) = TestplanEvents::place($path);
    $lines{$path} = {id => scalar(keys %lines) + 1 . '', file => $suite, titles => [$name]};
    $begun{$path} = Time::HiRes::time();
    TestplanEvents::append('test_start', %{$lines{$path}});
    return;
}

sub finish {
    my ($job, $parser) = @_;
    my $path = $job->[0];
    my $took = (Time::HiRes::time() - $begun{$path}) * 1000;
    TestplanEvents::append('test_end', %{$lines{$path}}, ms => 0 + sprintf('%.3f', $took), verdict($parser));
    return;
}

# As prove decides: TODO tests and skips are no problems of a file.
sub verdict {
    my ($parser) = @_;
    if ($parser->has_problems) {
        my @failed = $parser->failed;
        my @why;
        push @why, 'failed: ' . join(', ', @failed) if @failed;
        push @why, 'signal ' . ($parser->wait & 127) if $parser->wait && $parser->wait & 127;
        push @why, 'exit code ' . $parser->exit if $parser->exit;
        push @why, $parser->parse_errors;
        my $text = TestplanEvents::text(join '; ', @why);
        return (status => 'failed', message => TestplanEvents::cut($text, 4096));
    }
    my $skip = $parser->skip_all;
    return (status => 'skipped', message => TestplanEvents::cut(TestplanEvents::text($skip), 4096)) if $skip;
    return (status => 'passed');
}

package main;

require App::Prove;
require TAP::Harness;

my $app = App::Prove->new;
$app->process_args(@ARGV);
$INC{'TestplanHarness.pm'} = $0;
$app->harness('TestplanHarness');

if (defined $TestplanEvents::listing) {
    # As `prove --dry` prints them.
    $app->dry(1);
    open my $printed, '>', \my $names or die "$!\n";
    my $before = select $printed;
    $app->run;
    select $before;
    my (@listed, %seen, @broken);
    for my $path (split /\n/, $names // '') {
        my ($suite, $name) = TestplanEvents::place($path);
        if (!-f $path) { push @broken, TestplanEvents::text($path) . ': there is no such file'; next }
        push @listed, {suite => $suite, testcase => $name} unless $seen{"$suite\t$name"}++;
    }
    open my $out, '>:raw', $TestplanEvents::listing or die "$TestplanEvents::listing: $!\n";
    print {$out} $TestplanEvents::json->encode({tests => \@listed, broken => \@broken});
    close $out or die "$TestplanEvents::listing: $!\n";
    exit 0;
}

my @wanted;
if (defined $TestplanEvents::selection) {
    open my $in, '<:raw', $TestplanEvents::selection or die "$TestplanEvents::selection: $!\n";
    while (my $line = <$in>) {
        chomp $line;
        my ($suite, $name) = split /\t/, $line, 2;
        my $path = $suite eq '.' ? "./$name" : "$suite/$name";
        push @wanted, $path if -f $path;
    }
}
$app->argv(\@wanted);
TestplanEvents::append('run_start', v => 1, tool => "prove $App::Prove::VERSION");
# Without a file, prove would run those of the folder t.
my $passed = !@wanted || $app->run;
TestplanEvents::append('run_end');
exit($passed ? 0 : 1);

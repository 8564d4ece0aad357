#!/usr/bin/env perl
# Takes out of the documents what names files, tests, metrics and alerts that are gone. bin/remove-attribution runs this script
# after it has removed them. It reads the tree, so documents may change without a change here.
use strict;
use warnings;
use utf8;
use open qw(:std :encoding(UTF-8));
use File::Find;
use JSON::PP;

# Sections that are about attribution alone.
my %sections = (
  'README.md'         => ['How it works', 'Conversions and credit', 'The dashboard', 'Speed', 'When things go wrong', 'Moving in from django-utm-tracker'],
  'docs/upgrade.md'   => ['If the merge is too much'],
  'ARCHITECTURE.md'   => ['The way of a landing', 'The way of a report'],
  'docs/decisions.md' => [
    'Touches are rows, not session data',
    'Credit is computed when it is asked for',
    'Reports count from a copy in memory',
    'The inspector is an island',
    'Touches that wait in a cookie are not signed',
    'A landing that waits for consent counts only on the way from our own pages',
  ],
);

sub slurp { my ($path) = @_; open my $file, '<', $path or die "$path: $!\n"; local $/; my $text = <$file>; return $text }
sub spew { my ($path, $text) = @_; open my $file, '>', $path or die "$path: $!\n"; print $file $text; close $file or die "$path: $!\n" }

# files_of FOLDER END: the files below a folder whose names end so.
sub files_of {
  my ($folder, $end) = @_;
  my @found;
  find({ no_chdir => 1, wanted => sub { push @found, $_ if /\Q$end\E$/ && !m{/node_modules/} } }, $folder) if -d $folder;
  return sort @found;
}

my @sources = files_of('src', '.rs');
my %text_of = map { $_ => slurp($_) } @sources, files_of('tests', '.rs');

# A section goes from its heading to the next one.
for my $path (sort keys %sections) {
  next unless -e $path;
  my $text = slurp($path);
  for my $title (@{ $sections{$path} }) { $text =~ s/^## \Q$title\E\n.*?(?=^## |\z)//ms }
  spew($path, $text);
}

# Links to files that are gone become text. A row of a table goes if it links to nothing else, or names a file of src/ that is gone.
my @ends = map { (my $end = $_) =~ s{^src/}{}; $end } @sources;
sub source_is_there { my ($name) = @_; $name =~ s{^src/}{}; return grep { $_ eq $name || /\/\Q$name\E$/ } @ends }
for my $path (glob('*.md'), files_of('docs', '.md')) {
  my ($folder) = $path =~ m{^(.*/)};
  $folder //= '';
  my $there = sub { my ($link) = @_; $link =~ s/#.*//; return $link eq '' || $link =~ /:/ || -e "$folder$link" };
  my @lines;
  for my $line (split /^/, slurp($path)) {
    next if $line =~ /!\[[^\]]*\]\([^)]*screenshots\//;
    my @links = $line =~ /\]\(([^)]+)\)/g;
    if ($line =~ /^\|/ && $line !~ /^\|[-| ]+$/) {
      next if @links && !grep { $there->($_) } @links;
      next if $path =~ /ARCHITECTURE/ && grep { !source_is_there($_) } $line =~ /`((?:\w+\/)+\w+\.rs)`/g;
      next if $path =~ /ARCHITECTURE/ && grep { !-e $_ } $line =~ /`((?:src|tests)\/[\w\/.]+\/?)`/g;
    }
    $line =~ s/\[([^\]]+)\]\(([^)]+)\)/$there->($2) ? "[$1]($2)" : $1/ge;
    push @lines, $line;
  }
  spew($path, join '', @lines);
}

# Other passages about attribution: what they are, and what takes their place.
sub replace {
  my ($path, @pairs) = @_;
  return unless -e $path;
  my $text = slurp($path);
  while (my ($what, $by) = splice @pairs, 0, 2) { $text =~ s/$what/my $one = $1 \/\/ ''; $by =~ s{\$1}{$one}r/mge }
  spew($path, $text);
}
replace('ARCHITECTURE.md',
  qr/^The rooms of `src\/attribution\/`.*?(?=^## )/ms => '',
  qr/^\| `(?:src\/import\/|examples\/).*\n/m => '',
  qr/^(\| `bin\/`, `\.ci\/run` \| ).*$/m => '$1scripts to run, test, pack and upgrade | |',
  qr/^(\| `docs\/` \| ).*$/m => '$1guides | |',
  qr/`0002_attribution\.sql`/ => '`0001_accounts.sql`',
  qr/^\| (?:a source, an ignored referrer|another kind of conversion|a channel rule of the owner).*\n/m => '',
  qr/, \/\.well-known\/gpc\.json, programs with a token/ => '',
  qr/ {2,}a session only for a new touch$/m => '     no session',
  qr/ → UtmSessionLayer → LeadSourceLayer/ => '',
  qr/^- \*\*(?:Only the|No) attribution\*\*.*\n(?:  .*\n)*/m => '',
  qr/, and so are the\ntouches of known visitors stored \(`touch\/known\.rs`\)/ => '',
  qr/^- (?:Once a landing is answered|A touch counts once|A failure in attribution|No signal:|The totals of reports).*\n(?:  .*\n)*/m => '',
);
replace('README.md',
  qr/^Waymark succeeds \[django-utm-tracker\].*?\n\n/ms => '',
  qr/^After an upgrade, open the \*Quality\*.*?\n\n/ms => '',
  qr/^\*\*The Leptos full-stack starter that knows.*?(?=^```sh)/ms =>
    "**A Leptos full-stack site.** Accounts, mail, an admin area, backups and deployment are there.\n\n",
  qr/^1\. \*\*Look\.\*\*.*?(?=^2\. )/ms =>
    "1. **Look.** Open <http://127.0.0.1:3000> and create an account. Then sign in as the admin at <http://127.0.0.1:3000/admin>.\n",
  qr/^Only the attribution.*\n\n/m => '',
  qr/^Without the attribution.*\n\n/m => '',
  qr/^\| Journey of a user .*\n\|[-|]+\n/m => '',
  qr/\n{3,}/ => "\n\n",
  qr/^\| (?:Attribution|Referral links|Payments|Consent|Without attribution).*\n/m => '',
  qr/^(\| Tests: unit, HTTP, browser)(?:, faults, load)? \| yes \| .*$/m => '$1 | yes | `bin/test` |',
  qr/^waymark (?:demo|token|reclassify|import) .*\n/m => '',
  qr/^## Privacy\n.*?(?=^## |\z)/ms =>
    "## Privacy\n\nAs long as a visitor uses no form, nothing about them is stored in the database. `/privacy` says what is stored with an"
    . "\naccount. Users download and erase their data on `/account`.\n\n",
);
replace('.env.example', qr/DEV offers sample data at a click and writes/ => 'DEV writes');
replace('AGENTS.md', qr/, `src\/attribution\/settings\.rs`/ => '');
replace('CONTRIBUTING.md',
  qr/, a rename, without attribution, the attribution alone/ => ', a rename',
  qr/, faults, browser$/m => ', browser',
  qr/: visitor, touch, landing, lead source, channel, click id, look-back window,\s+conversion, credit\./ => ': visitor, user, session, job, lease.',
  qr/"The session layer stores the touch before the page renders\."/ => '"The session layer loads the session before the page renders."',
  qr/^\| (?:Fingerprints of touches|It depends on what is asked|A refund|Who has not decided|Who comes back from paying) ?.*\n/m => '',
  qr/^bin\/(?:conformance|faults|bench|refresh-data|screenshots) .*\n/m => '',
  qr/^`bin\/faults` visits.*?\n\n/ms => '',
  qr/^An arrival that is read wrongly.*?\n\n/ms => '',
  qr/--test http referrals/ => '--test http sessions',
);
replace('docs/upgrade.md', qr/fixes, new tables of sources and bots, new pages/ => 'fixes, new pages', qr/^\| `src\/attribution.*\n/m => '', qr/^6\. Open the \*Quality\* page.*\n/m => '');
replace('docs/build-your-product.md',
  qr/^## \d+\. [^\n]*conversion.*?(?=^## |\z)/msi => '',
  qr/^A table, its pages and a conversion,/m => 'A table and its pages,',
);
replace('bin/lib/blank/README.md', qr/a table with pages and a conversion/ => 'a table with pages');
if (-e 'docs/build-your-product.md') {
  my ($text, $number) = (slurp('docs/build-your-product.md'), 0);
  $text =~ s/^## \d+\. /'## ' . ++$number . '. '/gme;
  spew('docs/build-your-product.md', $text);
}
replace('docs/deploy.md',
  qr/ How much one server carries: [^.]*\.md[)]?\.(?= )/ => '',
  qr/, which serves on and keeps touches in cookies/ => ', which serves on',
  qr/^- Nothing is kept in a replica\..*\n(?:  .*\n)*/m => "- Nothing is kept in a replica.\n",
  qr/ Reports take 32 bytes a touch besides[^\n]*$/m => '',
  qr/^The memory is that of a server whose dashboard nobody opens\.\n\n?/m => '',
  qr/ If your law asks for consent: `ATTRIBUTION_CONSENT=required`\./ => '',
);
my $more = qr/.*\n(?:  .*\n)*/;
replace('CHANGELOG.md',
  qr/^- \*\*(?:Capture|Leads without a link|Without the attribution|The attribution alone|Tokens that read|Sources|Channels|Dashboard|Conversions|Models|Limits on what is stored|Moving in)\.\*\*$more/m => '',
  qr/^- (?:Sample data:|An API token now reports)$more/m => '',
  qr/^- \*\*Privacy\.\*\*$more/m => "- **Privacy.** Retention, export and erasure, and a `/privacy` page. Erasing closes the account at once, finishes in the background,"
    . "\n  and has a confirmation page.\n",
  qr/roles,\s+disabling and API tokens ask/ => "roles\n  and disabling ask",
  qr/role, state, first touch and sign-up/ => 'role, state and sign-up',
  qr/ The journey of a\s+user is at `[^`]*`\.(?: `\/admin\/tokens` makes and revokes API tokens\.)?/ => '',
  qr/ Imported leads wait for the one who confirms the address\. What brought a person is the person's through every door\./ => '',
);
replace('docs/mail.md',
  qr/ is confirmed, and its imported leads become the user's/ => ' is confirmed',
  qr/^- (?:`waymark import` gives leads|What brought a person)$more/m => '',
);
replace('docs/operating.md',
  qr/ still serves public pages and keeps touches in cookies\./ => ' still serves public pages.',
  qr/requests that got 429: `beacon`.*?(?= \| `what` \|)/ =>
    'requests to sign in with a provider that got 429: `provider`. Forms with 429 are in the metrics of sign-ins and sign-ups',
  qr/, touches wait in cookies(?=, nobody)/ => '',
  qr/ Touches wait in cookies meanwhile\./ => '',
  qr/Limits\s+by address and by API token are kept/ => "Limits\nby address are kept",
  qr/Passwords, roles and API tokens are/ => 'Passwords and roles are',
  qr/`waymark admin create` and `waymark import` make/ => '`waymark admin create` makes',
  qr/, `token_create`/ => '',
  qr/^\| `token_use` .*\n/m => '',
);
replace('docs/runbook.md',
  qr/ Touches wait in (?:the visitors' )?cookies\./ => '',
  qr/ is 0; touches come in with the\s+visitors' next requests\./ => ' is 0.',
  qr/Lower `FACTS_MEMORY`, or take/ => 'Take',
  qr/ An API token: `waymark token revoke`\./ => '',
  qr/with PostgreSQL \([^)]*scale\.md[^\n.]*\)(?=\.)/ => 'with PostgreSQL',
);
replace('SECURITY.md',
  qr/^- (?:reading or changing another visitor's touches|storing something about a visitor who has not agreed|Inventing arrivals|A holder of an API token)$more/m => '',
  qr/scripts, SQL or spreadsheet formulas that get through from a link, a referrer or a form/ => 'scripts or SQL that get through from a link or a form',
);
replace('docs/decisions.md',
  qr/ For reports over hundreds of millions of touches, a\s+separate engine would read copies, and PostgreSQL would keep the original data\./ => '',
  qr/A page that has been answered must have its touch on disk/ => 'What has been acknowledged must be on disk',
  qr/First and last touch, the look-back window and the limits of sign-ins compare/ => 'The ends of sessions and links and the limits of sign-ins compare',
  qr/ must not reorder a visitor's touches or end sessions/ => ' must not end sessions',
  qr/ Reports count in memory since, but exports, lists and the loading of facts still\s+read for long\./ => ' Exports and lists still read for long.',
  qr/password, sessions, click ids, tags, external ids, and\s+each term, content and landing path that no other visitor shares\. The row in `users` stays without them, with its visitors,\s+touches and conversions\./ =>
    "password and\nsessions. The row in `users` stays without them, with its visitors.",
  qr/^\*\*Why\.\*\* Totals, campaigns and revenue of past periods stay.*?(?=^## )/ms => "**Why.** The number of accounts of past periods stays the same, and other rows may refer to the user.\n\n",
  qr/A job then goes through all touches, once for all\s+erasures that wait\./ => "A job then cleans the audit log, once for all\nerasures that wait.",
  qr/Whether a term belongs to one person depends on all other touches, and a million of them take seconds\. A rebuild/ => 'Many entries take seconds. A rebuild',
  qr/ While the job runs, a report\s+may show a term that is about to go\./ => '',
  qr/^\| (?:kinds of robots|host patterns|the CSV reader of imports) .*\n/m => '',
  qr/ An unknown `ATTRIBUTION_…` variable stops the start\./ => '',
);
# GONE in the patch of tests/docs.rs has these numbers, too.
replace('docs/security.md',
  qr/^\| (?:I01|I05|O02|P01|P02|P03|P04|D01|D02|D03|D05|D08|X10) \|.*\n/m => '',
  qr/No GET changes anything but attribution, which is idempotent and limited\./ => 'No GET changes anything.',
  qr/, and `waymark import` opens foreign files read-only with SQLite's defences switched on/ => '',
  qr/not covered: Litestream, or\s+`import`.*?needs neither\.\).*?the server can go on:\s/s =>
    "not covered, such as\nLitestream. The system's SQLite has no such risk, if it is 3.51.3 or newer and you link it:\n",
);

# docs/security.md names tests. A requirement without one says so.
my %tests;
for my $path (keys %text_of) {
  my $prefix = $path =~ m{^tests/http/(.*?)(?:/mod)?\.rs$} ? 'http::' . ($1 =~ s{/}{::}gr) : 'unit';
  $tests{"${prefix}::$1"} = 1 while $text_of{$path} =~ /#\[(?:tokio::)?test.*?\bfn (\w+)/gs;
}
for my $path (files_of('end2end/tests', '.ts')) {
  my $text = slurp($path);
  $tests{"browser: $1"} = 1 while $text =~ /test\("([^"]+)"/g;
}
{
  my $text = '';
  for my $line (split /^/, slurp('docs/security.md')) {
    if ($line =~ /^\| [A-Z]\d\d \|/) {
      $line =~ s/ ?`((?:http::|unit::|browser: )[^`]+)`/$tests{$1} ? " `$1`" : ''/ge;
      $line =~ s/ \|\.? *(?=[^ |\n])/ | /g;
      # bin/faults is gone.
      $line =~ s/(?: and)? `bin\/faults`: [^|]*?(?= \|$)//;
      my @cells = split / \| ?/, $line =~ s/^\| | ?\|\s*$//gr;
      my $shown = $cells[2] // '';
      $line = "| $cells[0] | $cells[1] | Not tested without the attribution. |\n"
        unless $shown =~ /`(?:http::|unit::|browser: )/ || $shown =~ /Not built|Not tested|workflow/;
    }
    $text .= $line;
  }
  $text =~ s/ `bin\/faults` runs the fault tests; the word after it is the fault's name, as `bin\/faults --only` takes it\.//;
  spew('docs/security.md', $text);
}

# Metrics that the source records, found as tests/docs.rs finds them.
my %recorded;
for my $path (@sources) {
  my $source = $text_of{$path};
  while ($source =~ /"(waymark_[a-z0-9_]+)"/g) {
    my $name = $1;
    $recorded{$name} = 1 if $name =~ /_total$/ || $source =~ /metrics::/;
  }
}
sub names_gone { my ($text) = @_; return grep { !$recorded{ s/_bucket$//r } } $text =~ /\b(waymark_[a-z0-9_]+)/g }

# Alerts about these metrics, their rows and their steps go, too.
my @gone;
{
  my $text = slurp('docs/alerts.yml');
  $text =~ s/^( +- alert: (\w+)\n(?: {8}.*\n)*)/my ($block, $name) = ($1, $2); names_gone($block) ? do { push @gone, $name; '' } : $block/gme;
  spew('docs/alerts.yml', $text);
  my $steps = slurp('docs/runbook.md');
  $steps =~ s/^## \Q$_\E\n.*?(?=^## |\z)//ms for @gone;
  spew('docs/runbook.md', $steps);
}
{
  my $alert = join '|', map { quotemeta } @gone, 'no alert';
  my @lines = grep { !(/^\| `waymark_/ && names_gone((split /\|/)[1])) && !/^\| (?:$alert) \|/ } split /^/, slurp('docs/operating.md');
  spew('docs/operating.md', join '', @lines);
}

# Panels of the dashboard, and rows without panels.
{
  my $json = JSON::PP->new->canonical->indent->indent_length(2)->space_after;
  my $board = $json->decode(slurp('docs/grafana.json'));
  my @panels;
  for my $panel (@{ $board->{panels} }) {
    if ($panel->{targets}) {
      my @targets = grep { !names_gone($_->{expr} // '') } @{ $panel->{targets} };
      next unless @targets;
      $panel->{targets} = \@targets;
    }
    pop @panels if $panel->{type} eq 'row' && @panels && $panels[-1]{type} eq 'row';
    push @panels, $panel;
  }
  pop @panels if @panels && $panels[-1]{type} eq 'row';
  $board->{panels} = \@panels;
  spew('docs/grafana.json', $json->encode($board));
}

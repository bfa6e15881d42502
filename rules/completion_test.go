package rules

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// Each of these asks a shell that has read the script what may stand at the end
// of a command line, $@, and prints the answers a line each. They know the
// table's lines from a file. How the answers come to be on a line is the test of
// package main that types them.
var askShell = map[string]string{
	"bash": `source "$1"; table=$2; shift 2
		_ipvsadm_table() { cat "$table"; }
		compopt() { echo "files"; }
		COMP_LINE="$*" COMP_POINT=${#COMP_LINE}
		_ipvsadm; printf '%s\n' "${COMPREPLY[@]}"`,
	"zsh": `compdef() { : }
		_message() { : }
		_files() { print files }
		_describe() { print -l -- ${(P)argv[-1]%%:*} }
		compset() { [[ $2 == '*,' && $words[CURRENT] == *,* ]] }
		compadd() { shift; print -l -- $@ }
		source $1; table=$2; shift 2; words=("$@"); CURRENT=$#
		_ipvsadm_table() { cat $table }
		_ipvsadm`,
	"fish": `source $argv[1]; set -g table $argv[2]
		function __ipvsadm_table; cat $table; end
		complete -C (string join -- ' ' $argv[3..-1])`,
}

const completionTable = `-A -t 10.0.0.1:80 -s rr
-a -t 10.0.0.1:80 -r 192.168.0.1:80 -m -w 1
-A -t [2001:db8::1]:80 -s rr
-a -t [2001:db8::1]:80 -r [2001:db8::2]:80 -g -w 1
-A -u 10.0.0.1:53 -s rr
-A --sctp-service 10.0.0.3:99 -s rr
-A -f 7 -6 -s rr
-a -f 7 -6 -r [2001:db8::7]:0 -g -w 1
`

func completionSubcommands() []Subcommand {
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.StringP("use-file", "f", "", "read `FILE`")
	flags.String("log-format", "", "`text|json`")
	flags.BoolP("detail", "D", false, "more")
	flags.String("sched", "", "`NAME[,FLAG]`: a scheduler")
	flags.String("remove", "", "`SERVER`: without it")
	flags.StringP("tcp-service", "t", "", "")
	flags.Bool("secret", false, "")
	flags.Lookup("secret").Hidden = true
	status := pflag.NewFlagSet("", pflag.ContinueOnError)
	status.Bool("once", false, "write once")
	return []Subcommand{{Name: "check", Words: []string{"wlc"}, Flags: flags}, {Name: "check status", Flags: status}}
}

func TestCompletionInEveryShell(t *testing.T) {
	for shell, program := range askShell {
		t.Run(shell, func(t *testing.T) {
			if _, err := exec.LookPath(shell); err != nil {
				if os.Getenv("UML_REQUIRED") == "1" {
					t.Fatal(err)
				}
				t.Skipf("needs %s: install Debian package %s", shell, shell)
			}
			s, stdout, stderr := newSession(nil)
			s.env.Subcommands = completionSubcommands
			if code := Main(s.env, []string{"ipvsadm", "completion", shell}); code != exitOK || stderr.Len() > 0 {
				t.Fatalf("exit code %d, stderr %q", code, stderr)
			}
			script, table := filepath.Join(t.TempDir(), "script"), filepath.Join(t.TempDir(), "table")
			for file, text := range map[string]string{script: stdout.String(), table: completionTable} {
				if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			for _, tt := range []struct {
				line      string
				has, hasn string // blanks separate
			}{
				{"ipvsadm --", "--add-service --restore --start-daemon --help", "--tcp-service --json"},
				{"ipvsadm -A --", "--tcp-service --scheduler --sched-flags --pe --ops --dry-run", "--weight --json --drain --add-service --sort"},
				{"ipvsadm --add-server --", "--real-server --masquerading --tun-type --u-threshold", "--scheduler --stats"},
				{"ipvsadm -d -t 10.0.0.1:80 --", "--real-server --drain --drain-inactive --dry-run", "--weight"},
				{"ipvsadm -L --", "--numeric --json --watch --count --stats --sort --nosort", "--replace --weight"},
				{"ipvsadm -Ln --", "--json --watch", "--replace --weight --add-service"},
				{"ipvsadm -R --", "--replace --json --dry-run", "--watch"},
				{"ipvsadm -A -t 10.0.0.1:80 -s w", "wrr wlc", "-s"},
				{"ipvsadm -A -t 10.0.0.1:80 --scheduler=w", "wrr wlc", "-s"},
				{"ipvsadm -A -f 7 --sched-flags mh", "mh-fallback mh-port", ""},
				{"ipvsadm -A -f 7 -b mh-port,mh", "mh-fallback", ""},
				{"ipvsadm -A -f 7 --sched-flags=mh-port,", "sh-port mh-fallback", "--netmask"},
				{"ipvsadm -R --replace=", "all services", "--json"},
				{"ipvsadm -R --replace=s", "services", "--json"},
				{"ipvsadm -L --watch=", "", "--json --count"},
				{"ipvsadm -a -t 10.0.0.1:80 -r 10.0.0.2:80 -i --tun-type g", "gue gre", ""},
				{"ipvsadm --stop-daemon ", "master backup", ""},
				{"ipvsadm --start-daemon master --mcast-interface ", "lo", "--syncid"},
				{"ipvsadm ", "completion check", "bash status"},
				{"ipvsadm completion ", "bash zsh fish", "check"},

				{"ipvsadm -D -t ", "10.0.0.1:80 [2001:db8::1]:80", "10.0.0.1:53 7"},
				{"ipvsadm -a -u ", "10.0.0.1:53", "10.0.0.1:80"},
				{"ipvsadm -L --sctp-service ", "10.0.0.3:99", "10.0.0.1:80"},
				{"ipvsadm -E -f ", "7", "10.0.0.1:80"},
				{"ipvsadm -A -t ", "", "10.0.0.1:80 --udp-service"}, // those that are there cannot be added
				{"ipvsadm -Lnt ", "10.0.0.1:80", "--stats"},
				{"ipvsadm -d -t 10.0.0.1:80 -r ", "192.168.0.1:80", "[2001:db8::2]:80"},
				{"ipvsadm -e -f 7 -6 --real-server ", "[2001:db8::7]:0", "192.168.0.1:80"},
				{"ipvsadm -a -t 10.0.0.1:80 -r ", "192.168.0.1:80 [2001:db8::2]:80", ""},

				{"ipvsadm check ", "wlc status", "once"},
				{"ipvsadm check --", "--use-file --detail --sched", "--once --secret --add-service"},
				{"ipvsadm check -D --", "--use-file --detail --sched", "--once --secret wlc"},
				{"ipvsadm check --log-format ", "text json", "--use-file"},
				{"ipvsadm check --log-format=j", "json", "--use-file"},
				{"ipvsadm check --sched w", "wrr wlc", "mh-port"},
				{"ipvsadm check --sched mh,mh", "mh-port mh-fallback", "mh"},
				{"ipvsadm check -t ", "10.0.0.1:80", ""},
				{"ipvsadm check -t 10.0.0.1:80 --remove ", "192.168.0.1:80", "[2001:db8::2]:80"},
				{"ipvsadm check status --", "--once", "--use-file"},
			} {
				got, err := askFor(shell, program, script, table, tt.line)
				if err != nil {
					t.Errorf("%q: %v", tt.line, err)
				}
				for _, w := range strings.Fields(tt.has) {
					if !slices.Contains(got, w) {
						t.Errorf("%q: no %s in %q", tt.line, w, got)
					}
				}
				for _, w := range strings.Fields(tt.hasn) {
					if slices.Contains(got, w) {
						t.Errorf("%q: %s has no place in %q", tt.line, w, got)
					}
				}
			}
			if shell == "fish" { // which lists the files, and has values only behind an equals sign
				return
			}
			for line, want := range map[string]string{"ipvsadm check -f ": "files", "ipvsadm -R --replace ": "services", "ipvsadm ": "-A"} {
				if got, err := askFor(shell, program, script, table, line); err != nil || !slices.Contains(got, want) {
					t.Errorf("%q: no %s in %q, %v", line, want, got, err)
				}
			}
		})
	}
}

// askFor returns the words that may end a line, without what stands in front of
// them in the same word.
func askFor(shell, program, script, table, line string) (words []string, err error) {
	args := []string{"-c", program}
	if shell != "fish" {
		args = append(args, shell) // $0
	}
	cmd := exec.Command(shell, append(append(args, script, table), strings.Split(line, " ")...)...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if stderr.Len() > 0 {
		err = errors.New(stderr.String())
	}
	for answer := range strings.Lines(string(out)) {
		word, _, _ := strings.Cut(strings.TrimRight(answer, "\n"), "\t")
		words = append(words, word[strings.LastIndexAny(word, "=,")+1:])
	}
	return words, err
}

// The scripts and the parser agree what goes with what: an option that is
// offered is not called illegal, one that is not offered is refused.
func TestCompletionAgreesWithTheGrammar(t *testing.T) {
	for _, c := range commands() {
		v := c[0].verb
		if v == help || v == version {
			continue // what follows is not looked at
		}
		var offered []string
		for _, s := range optionsOf(v) {
			offered = append(offered, s.names()...)
		}
		for s := range spellings() {
			if s.verb != noVerb || s.read != nil && s.kind == noOption {
				continue
			}
			line := []string{"ipvsadm", c[0].names()[0]}
			if c[0].value != "" {
				line = append(line, c[0].words()[0])
			}
			if v == setTimeouts {
				line = append(line, "1", "2", "3")
			}
			required := rulesOf(v).required
			if required.has(optService) && s.kind != optService {
				line = append(line, "-t", "10.0.0.1:80")
			}
			if required.has(optServer) && s.kind != optServer {
				line = append(line, "-r", "10.0.0.2:80")
			}
			line = append(line, s.names()[0])
			if s.value != "" && s.omitted == "" {
				value := "1"
				switch words := s.words(); {
				case words != nil:
					value = words[len(words)-1]
				case s.kind == optGroup:
					value = "224.0.0.81"
				case s.kind == optNetmask:
					value = "255.255.255.0"
				case s.kind == optService || s.kind == optServer:
					value = map[bool]string{true: "1", false: "10.0.0.1:80"}[s.short == 'f']
				}
				line = append(line, value)
			}
			_, err := newParser("ipvsadm", newPhoneBook(), func(string) (string, bool) { return "", false }).parse(line[1:])
			illegal := err != nil && strings.Contains(err.Error(), "Illegal '"+s.kind.String())
			if s.kind == noOption {
				continue // --sort: nobody judges it
			}
			if illegal == slices.Contains(offered, s.names()[0]) {
				t.Errorf("%v: offered %t, but %v", line, !illegal, err)
			}
		}
	}
}

// In 1.31 these words are mistakes; what else begins like them still is one.
func TestCompletionDoesNotGetInTheWay(t *testing.T) {
	for _, line := range []string{"ipvsadm completion", "ipvsadm completion tcsh", "ipvsadm completion bash -n", "ipvsadm -n completion bash"} {
		s, stdout, stderr := newSession(dump{})
		if code := Main(s.env, strings.Fields(line)); code != exitRejected || stdout.Len() > 0 || !strings.HasPrefix(stderr.String(), "Try `ipvsadm -h'") {
			t.Errorf("%s: exit code %d, stdout %q, stderr %q", line, code, stdout, stderr)
		}
	}
}

package rules

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Each of these asks a shell that has read the script what may stand at the end
// of a command line, $@, and prints the answers a line each.
var askShell = map[string]string{
	"bash": `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _ipvsadm; printf '%s\n' "${COMPREPLY[@]}"`,
	"zsh": `compdef() { : }
		_message() { : }
		_describe() { print -l -- ${(P)argv[-1]%%:*} }
		compadd() { shift; print -l -- $@ }
		source $1; shift; words=("$@"); CURRENT=$#; _ipvsadm`,
	"fish": `source $argv[1]; complete -C (string join -- ' ' $argv[2..-1])`,
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
			code, script, stderr := ipvsadm(nil, "", "ipvsadm", "completion", shell)
			if code != exitOK || stderr != "" {
				t.Fatalf("exit code %d, stderr %q", code, stderr)
			}
			file := filepath.Join(t.TempDir(), "script")
			if err := os.WriteFile(file, []byte(script), 0o666); err != nil {
				t.Fatal(err)
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
				{"ipvsadm -R --", "--replace --json --dry-run", "--watch"},
				{"ipvsadm -A -t 10.0.0.1:80 -s w", "wrr wlc", "-s"},
				{"ipvsadm -A -f 7 --sched-flags mh", "mh-fallback mh-port", ""},
				{"ipvsadm -a -t 10.0.0.1:80 -r 10.0.0.2:80 -i --tun-type g", "gue gre", ""},
				{"ipvsadm --stop-daemon ", "master backup", ""},
				{"ipvsadm ", "completion vrrp check sched", "bash"},
				{"ipvsadm completion ", "bash zsh fish", "vrrp"},
			} {
				words := strings.Split(tt.line, " ")
				args := []string{"-c", program}
				if shell != "fish" {
					args = append(args, shell) // $0
				}
				out, err := exec.Command(shell, append(append(args, file), words...)...).CombinedOutput()
				var got []string
				for line := range strings.Lines(string(out)) {
					word, _, _ := strings.Cut(strings.TrimRight(line, "\n"), "\t")
					got = append(got, word)
				}
				for _, w := range strings.Fields(tt.has) {
					if err != nil || !slices.Contains(got, w) {
						t.Errorf("%q: no %s in %q, %v", tt.line, w, got, err)
					}
				}
				for _, w := range strings.Fields(tt.hasn) {
					if slices.Contains(got, w) {
						t.Errorf("%q: %s has no place in %q", tt.line, w, got)
					}
				}
			}
		})
	}
}

// The scripts and the parser agree what goes with what: an option that is
// offered is not called illegal, one that is not offered is refused.
func TestCompletionAgreesWithTheGrammar(t *testing.T) {
	for _, c := range commands() {
		v := c[0].verb
		if v == help || v == version {
			continue // what follows is not looked at
		}
		offered := namesOf(optionsOf(v))
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

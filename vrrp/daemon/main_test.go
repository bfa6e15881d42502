package daemon

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ipvsadm/vrrp"
)

// loads is a Load that returns what it is given, and notes what it was asked.
func loads(asked *string, setup *Setup, messages ...Message) func(context.Context, string, LoadOptions) (*Setup, []Message) {
	return func(_ context.Context, file string, o LoadOptions) (*Setup, []Message) {
		*asked = file + " " + o.ConfigID
		if o.AllFiles {
			*asked += " all"
		}
		return setup, messages
	}
}

// script writes a shell script with a mode.
func script(t *testing.T, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "script.sh")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func command(path string) CommandUse {
	return CommandUse{Position: "k.conf:3", Word: "script", Command: vrrp.Command{Argv: []string{path}, User: "0"}}
}

// TestConfigTest checks the exit status for everything that there can be to say.
// Statuses are those of keepalived 2.2.7.
func TestConfigTest(t *testing.T) {
	const violation = "k.conf: SECURITY VIOLATION - scripts are being executed but script_security not enabled; write enable_script_security in global_defs\n"
	say := func(s Severity) Message { return Message{s, "k.conf:1: " + s.String()} }
	tests := []struct {
		name     string
		setup    *Setup
		messages []Message
		status   int
		said     string // how what is written ends
	}{
		{"nothing to say", &Setup{}, nil, 0, ""},
		{"a note", &Setup{}, []Message{say(Note)}, 0, "k.conf:1: note\n"},
		{"a warning", &Setup{}, []Message{say(Note), say(Warning)}, 5, "k.conf:1: note\nk.conf:1: warning\n"},
		{"an error", nil, []Message{say(Warning), say(Error)}, 4, "k.conf:1: warning\nk.conf:1: error\n"},
		{"something missing", nil, []Message{say(Missing), say(Error)}, 2, "k.conf:1: missing\nk.conf:1: error\n"},
		{"a script without security", &Setup{Commands: []CommandUse{command("/bin/sh")}}, nil, 6, violation},
		{"that and a warning", &Setup{Commands: []CommandUse{command("/bin/sh")}}, []Message{say(Warning)}, 6, "k.conf:1: warning\n" + violation},
		{"a script with security", &Setup{Commands: []CommandUse{command("/bin/sh")}, ScriptSecurity: true}, nil, 0, ""},
		{"a script that is not there", &Setup{Commands: []CommandUse{command("/none")}}, nil, 5,
			"k.conf:3: script would not be run on this machine: /none: no such file or directory\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var asked string
			var out, errs bytes.Buffer
			env := Env{Stdout: &out, Stderr: &errs, Load: loads(&asked, test.setup, test.messages...)}
			status := Main(env, []string{"-t", "-f", "k.conf", "-i", "id", "-e"})
			if status != test.status || errs.String() != test.said || out.Len() > 0 {
				t.Errorf("status %d, wrote %q and %q; want %d, %q", status, errs.String(), out.String(), test.status, test.said)
			}
			if asked != "k.conf id all" {
				t.Errorf("asked to load %q", asked)
			}
			if status := Keepalived(env, []string{"--config-test", "--use-file=k.conf", "-ndlD", "-p", "x", "--log-file"}); status != test.status {
				t.Errorf("by the name keepalived the status is %d", status)
			}
		})
	}
}

// TestConfigTestInsecure: a script that somebody else could change is warned
// about, and with enable_script_security would not be run.
func TestConfigTestInsecure(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can make files that belong to root")
	}
	path := script(t, 0o777)
	for _, test := range []struct {
		security bool
		status   int
		said     string
	}{
		{false, 6, "k.conf:3: script is not safe: " + path + " can be written by everybody; let nobody else write there\n"},
		{true, 5, "k.conf:3: script would not be run on this machine: " + path + " can be written by everybody\n"},
	} {
		var asked string
		var errs bytes.Buffer
		env := Env{Stderr: &errs, Load: loads(&asked, &Setup{Commands: []CommandUse{command(path)}, ScriptSecurity: test.security})}
		if status := Main(env, []string{"-t"}); status != test.status || !strings.HasPrefix(errs.String(), test.said) {
			t.Errorf("security %v: status %d, wrote %q", test.security, status, errs.String())
		}
	}
}

// TestConfigTestFile writes what there is to say to a new file, and to no other.
func TestConfigTestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	var asked string
	var errs bytes.Buffer
	env := Env{Stderr: &errs, Load: loads(&asked, &Setup{}, Message{Warning, "k.conf:1: look"})}
	if status := Keepalived(env, []string{"-t" + path}); status != 5 || errs.Len() > 0 {
		t.Errorf("status %d, wrote %q", status, errs.String())
	}
	text, err := os.ReadFile(path)
	if err != nil || string(text) != "k.conf:1: look\n" {
		t.Errorf("the file says %q, %v", text, err)
	}
	if status := Keepalived(env, []string{"--config-test=" + path}); status != 1 || !strings.Contains(errs.String(), "file exists") {
		t.Errorf("a file that is there: status %d, wrote %q", status, errs.String())
	}
	if asked != defaultFile+" " {
		t.Errorf("without -f it reads %q", asked)
	}
}

func TestSignum(t *testing.T) {
	for name, want := range map[string]string{
		"STOP": "15\n", "RELOAD": "1\n", "DATA": "10\n", "STATS": "12\n", "JSON": "36\n", "STATS_CLEAR": "63\n",
	} {
		var out bytes.Buffer
		if status := Keepalived(Env{Stdout: &out}, []string{"--signum=" + name}); status != 0 || out.String() != want {
			t.Errorf("%s: status %d, %q; keepalived says %q", name, status, out.String(), want)
		}
	}
	var errs bytes.Buffer
	if status := Keepalived(Env{Stderr: &errs}, []string{"--signum", "TDATA"}); status == 0 || !strings.Contains(errs.String(), "STATS_CLEAR") {
		t.Errorf("an unknown one: status %d, %q", status, errs.String())
	}
}

func TestWrongWords(t *testing.T) {
	for _, args := range [][]string{{"-t", "file"}, {"--nonsense"}, {"-f"}, {"-t", "--signum=JSON"}} {
		var errs bytes.Buffer
		if status := Main(Env{Stderr: &errs}, args); status != 1 || !strings.HasPrefix(errs.String(), "ipvsadm vrrp: ") {
			t.Errorf("%q: status %d, wrote %q", args, status, errs.String())
		}
	}
}

// TestKeepalivedWords takes every option of keepalived 2.2.7.
func TestKeepalivedWords(t *testing.T) {
	for _, args := range [][]string{
		{"--use-file=f"}, {"--vrrp"}, {"--check"}, {"--no_bfd"}, {"--all"}, {"--log-console"}, {"--log-detail"},
		{"--log-facility=local1"}, {"--no-syslog"}, {"--umask=022"}, {"--release-vips"}, {"--dont-release-vrrp"},
		{"--dont-release-ipvs"}, {"--dont-respawn"}, {"--dont-fork"}, {"--dump-conf"}, {"--pid=f"}, {"--vrrp_pid=f"},
		{"--checkers_pid=f"}, {"--address-monitoring"}, {"--bfd_pid=f"}, {"--snmp"}, {"--snmp-agent-socket=f"},
		{"--namespace=n"}, {"--core-dump"}, {"--core-dump-pattern"}, {"--core-dump-pattern=p"}, {"--all-config"},
		{"--config-id=i"}, {"--config-id", "i"}, {"--log-file"}, {"--log-file=f"}, {"--flush-log-file"}, {"--debug"},
		{"--ignore-sigint"}, {"-f", "f"}, {"-PCBlDGXVIRndaxme"}, {"-S", "1"}, {"-u", "022"}, {"-p", "f"}, {"-r", "f"},
		{"-c", "f"}, {"-b", "f"}, {"-A", "f"}, {"-s", "n"}, {"-M"}, {"-i", "i"}, {"-g"},
	} {
		if err := keepalivedLine().parse(append(args, "-t")); err != nil {
			t.Errorf("%q: %v", args, err)
		}
	}
}

func TestHelp(t *testing.T) {
	for _, run := range []func(Env, []string) int{Main, Keepalived} {
		var out bytes.Buffer
		if status := run(Env{Stdout: &out}, []string{"--help"}); status != 0 {
			t.Errorf("status %d", status)
		}
		for _, want := range []string{"--use-file FILE", "--config-id ID", "Exit status with -t: 0 "} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("help has no %q:\n%s", want, out.String())
			}
		}
		if strings.Contains(out.String(), "true|false") || strings.Contains(out.String(), `" "`) {
			t.Errorf("help shows what is none of the user's business:\n%s", out.String())
		}
	}
}

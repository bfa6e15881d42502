package keepalived

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ipvsadm/vrrp/daemon"
)

// TestLoadSetup hands what was read and what there is to say of it to the daemon.
func TestLoadSetup(t *testing.T) {
	instance := func(words string) string {
		return "vrrp_instance V {\n interface eth0\n virtual_router_id 5\n virtual_ipaddress {\n  10.0.0.1\n }\n" + words + "\n}\n"
	}
	tests := []struct {
		name, text string
		worst      daemon.Severity
		said       string
	}{
		{"nothing to say", instance(""), daemon.Note, ""},
		{"a word nobody knows", instance("priorty 7"), daemon.Warning, "k.conf:7: "},
		{"a block that is not closed", "vrrp_instance V {\n", daemon.Error, "k.conf:1: "},
		{"a missing argument", instance("interface"), daemon.Missing, "k.conf:7: "},
		{"no file", "", daemon.Error, "k.conf: cannot read the configuration"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			if test.text != "" {
				if err := os.WriteFile("k.conf", []byte(test.text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			setup, messages := LoadSetup(t.Context(), "k.conf", daemon.LoadOptions{})
			worst, said := daemon.Note, test.said == ""
			for _, m := range messages {
				worst = max(worst, m.Severity)
				said = said || strings.HasPrefix(m.Text, test.said)
			}
			if worst != test.worst || !said {
				t.Errorf("says %v", messages)
			}
			if (setup == nil) != (test.worst >= daemon.Error) {
				t.Errorf("the setup is %v", setup)
			}
		})
	}
}

// TestLoadSetupParts carries over what the daemon needs.
func TestLoadSetupParts(t *testing.T) {
	file := filepath.Join(t.TempDir(), "k.conf")
	text := "global_defs {\n enable_script_security\n script_user root\n}\n" +
		"@here vrrp_script chk {\n@here script \"/bin/true\"\n@here }\n" +
		"vrrp_instance V {\n interface eth0\n virtual_router_id 5\n virtual_ipaddress {\n  10.0.0.1\n }\n notify_master \"/bin/echo x\"\n}\n"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	setup, messages := LoadSetup(t.Context(), file, daemon.LoadOptions{ConfigID: "here"})
	if setup == nil {
		t.Fatal(messages)
	}
	if !setup.ScriptSecurity || len(setup.VRRP.Instances) != 1 || len(setup.VRRP.Scripts) != 1 {
		t.Errorf("got %+v", setup)
	}
	if len(setup.Commands) != 2 || setup.Commands[1].Word != "notify_master" || setup.Commands[1].Position != file+":14" ||
		strings.Join(setup.Commands[1].Command.Argv, " ") != "/bin/echo x" || setup.Commands[1].Command.User != "root" {
		t.Errorf("commands %+v", setup.Commands)
	}
}

func TestProcessPriorities(t *testing.T) {
	c, ds := loadText("global_defs {\nvrrp_rt_priority 5\nvrrp_priority -7\nvrrp_no_swap\n}\n")
	if c == nil || len(ds) != 0 {
		t.Fatal(ds)
	}
	if got, want := c.Global.Process, (daemon.Process{RealTime: 5, Nice: -7, NoSwap: true}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	c, ds = loadText("global_defs {\nvrrp_rt_priority 100\nvrrp_priority -21\n}\n")
	if c == nil || len(ds) != 2 || c.Global.Process != (daemon.Process{}) {
		t.Errorf("out of range: %+v, %v", c, ds)
	}
}

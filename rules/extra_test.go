package rules

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"ipvsadm/ipvs"
)

func TestOptionsThat131DoesNotHave(t *testing.T) {
	web := key(ipvs.TCP, "10.0.0.1:80")
	server := netip.MustParseAddrPort("10.0.0.2:81")
	drain := Drain{Service: web, Addr: server, Timeout: 5 * time.Minute}
	with := func(change func(*Drain)) Drain {
		d := drain
		change(&d)
		return d
	}
	testAccepted(t, []accepted{
		{"replace everything", "-R --replace", Restore{Replace: ReplaceAll}},
		{"replace everything, said so", "-R --replace=all", Restore{Replace: ReplaceAll}},
		{"replace what is named", "-R --replace=services", Restore{Replace: ReplaceServices}},
		{"the value as a word", "-R --replace services", Restore{Replace: ReplaceServices}},
		{"JSON in", "-R --json --replace", Restore{Replace: ReplaceAll, JSON: true}},
		{"only show it", "-R --replace --dry-run", DryRun{Restore{Replace: ReplaceAll}}},
		{"only show a stream", "-R --dry-run", DryRun{Restore{}}},
		{"only show a change", "-D -t 10.0.0.1:80 --dry-run", DryRun{Change{ipvs.DeleteService{Service: web}}}},
		{"drain and delete", "-d -t 10.0.0.1:80 -r 10.0.0.2:81 --drain", with(func(d *Drain) { d.Delete = true })},
		{"drain and keep, the port as given", "-e -t 10.0.0.1:80 -r 10.0.0.2:81 --drain", drain},
		{"seconds", "-e -t 10.0.0.1:80 -r 10.0.0.2:81 --drain=30", with(func(d *Drain) { d.Timeout = 30 * time.Second })},
		{"minutes", "-e -t 10.0.0.1:80 -r 10.0.0.2:81 --drain 2m30s", with(func(d *Drain) { d.Timeout = 150 * time.Second })},
		{"no end", "-e -t 10.0.0.1:80 -r 10.0.0.2:81 --drain=0", with(func(d *Drain) { d.Timeout = 0 })},
		{"all connections", "-e -t 10.0.0.1:80 -r 10.0.0.2:81 --drain-inactive --drain", with(func(d *Drain) { d.Inactive = true })},
		{"only show the draining", "-e -t 10.0.0.1:80 -r 10.0.0.2:81 --drain --dry-run", DryRun{drain}},
		{"JSON out", "-L --json -n", List{JSON: true, Numeric: true}},
		{"watch", "-L --watch", List{Watch: time.Second}},
		{"watch by the minute", "-L --watch=1m30s", List{Watch: 90 * time.Second}},
		{"watch one service, twice", "-L -t 10.0.0.1:80 --watch=0.5 --count 2", List{Service: web, Watch: time.Second / 2, Count: 2}},
	})
}

func TestOptionsThat131DoesNotHaveRefused(t *testing.T) {
	server := " -t 10.0.0.1:80 -r 10.0.0.2"
	testRefused(t, 2, false, []refused{
		{"replace what", "-R --replace=table", "illegal replace value `table' specified: want services, or all"},
		{"replace nothing", "-R --replace=", "illegal replace value `' specified: want services, or all"},
		{"twice", "-R --replace --replace", "multiple 'replace' options specified"},
		{"a stream has no service", "-R --replace -t 10.0.0.1:80", "Illegal 'service-address' option with the 'restore' command"},
		{"nothing to show", "-L --dry-run", "Illegal 'dry-run' option with the 'list' command"},
		{"a negative time", "-d" + server + " --drain=-1", "illegal drain time-out `-1' specified: want 1 to 2678400 seconds, or a time such as 5m or 1h; 0 for no end"},
		{"no time", "-d" + server + " --drain=soon", "illegal drain time-out `soon' specified: want 1 to 2678400 seconds, or a time such as 5m or 1h; 0 for no end"},
		{"less than a second", "-d" + server + " --drain=20ms", "illegal drain time-out `20ms' specified: want 1 to 2678400 seconds, or a time such as 5m or 1h; 0 for no end"},
		{"more than a month", "-d" + server + " --drain=2678401", "illegal drain time-out `2678401' specified: want 1 to 2678400 seconds, or a time such as 5m or 1h; 0 for no end"},
		{"draining a new server", "-a" + server + " --drain", "Illegal 'drain' option with the 'add-server' command"},
		{"draining a service", "-D -t 10.0.0.1:80 --drain", "Illegal 'drain' option with the 'delete-service' command"},
		{"draining with a weight", "-e" + server + " -w 5 --drain", "The option 'weight' conflicts with the 'drain' option in the 'edit-server' command"},
		{"draining with a method", "-e" + server + " -m --drain", "The option 'forwarding-method' conflicts with the 'drain' option in the 'edit-server' command"},
		{"waiting for what", "-d" + server + " --drain-inactive", "You need to supply the 'drain' option for the 'drain-inactive' option"},
		{"count what", "-L --count 3", "You need to supply the 'watch' option for the 'count' option"},
		{"no view", "-L --watch --count 0", "illegal count specified: want 1 or more"},
		{"too fast", "-L --watch=0.01", "illegal watch interval `0.01' specified: want 0.1 to 86400 seconds, or a time such as 500ms or 2m"},
		{"too fast in other words", "-L --watch=99ms", "illegal watch interval `99ms' specified: want 0.1 to 86400 seconds, or a time such as 500ms or 2m"},
		{"no number", "-L --watch=NaN", "illegal watch interval `NaN' specified: want 0.1 to 86400 seconds, or a time such as 500ms or 2m"},
		{"watching JSON", "-L --watch --json", "The option 'json' conflicts with the 'watch' option in the 'list' command"},
		{"watching connections", "-L --watch -c", "The option 'connection' conflicts with the 'watch' option in the 'list' command"},
	})
	testRefused(t, 255, true, []refused{
		{"names are not cut short", "-R --repl", "--repl: unknown option"},
		{"no value wanted", "-R --dry-run=x", "--dry-run=x: option does not take an argument"},
	})
}

// What they do without a command before them, 1.31 does not know either, but we
// know what is meant.
func TestOptionsThat131DoesNotHaveWithoutACommand(t *testing.T) {
	const try = "Try `ipvsadm -h' or 'ipvsadm --help' for more information.\n"
	for line, want := range map[string]string{
		"ipvsadm --replace":    "The command comes first, then --replace.\n" + try,
		"ipvsadm --dry-run -C": "The command comes first, then --dry-run.\n" + try,
		"ipvsadm --json":       "The command comes first, then --json.\n" + try,
		"ipvsadm -n -L":        try, // as 1.31 has it
		"ipvsadm --sort":       try,
	} {
		if code, stdout, stderr := ipvsadm(filled(t, webTable), "", strings.Fields(line)...); code != exitRejected || stdout != "" || stderr != want {
			t.Errorf("%s: exit code %d, stdout %q, stderr %q", line, code, stdout, stderr)
		}
	}
}

func TestInAStreamNothingWaitsOrPretends(t *testing.T) {
	p := newParser("ipvsadm", newFewNames(), noEnv)
	p.stream = true
	for line, want := range map[string]string{
		"-D -f 1 --dry-run":             "Illegal 'dry-run' option in a restore stream",
		"-d -f 1 -r 10.0.0.2 --drain=5": "Illegal 'drain' option in a restore stream",
		"-L --watch":                    "Illegal 'watch' option in a restore stream",
	} {
		if _, err := p.parse(wordsOf(line)); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", line, err, want)
		}
	}
}

package daemon_test

import (
	"bytes"
	"os"
	"strings"
	"syscall"
	"testing"

	"ipvsadm/rules/keepalived"
	"ipvsadm/vrrp/daemon"
)

const guarded = `
vrrp_instance VI_1 {
	interface va
	virtual_router_id 7
	priority 200
	version 2
	advert_int 1
	authentication {
		auth_type PASS
		auth_pass cAnArY99
	}
	virtual_ipaddress {
		10.9.9.100/24
	}
}
`

// TestSecretsStay looks for a password in all that a daemon writes in its life: the
// log with all details, also of configurations in which something is wrong with it,
// the status in all its forms, what a test of the configuration says, and the command
// line.
func TestSecretsStay(t *testing.T) {
	t.Parallel()
	const canary = "cAnArY99"
	r := start(t, guarded, "-D", "--log-format", "json")
	r.await("Entering MASTER STATE", 1)
	var written bytes.Buffer
	ask := func(args ...string) {
		t.Helper()
		before := written.Len()
		daemon.Main(daemon.Env{Stdout: &written, Stderr: &written, Load: keepalived.LoadSetup, Environ: os.Environ()}, args)
		if written.Len() == before && args[0] == "status" {
			t.Errorf("%q wrote nothing", args)
		}
	}
	for n, wrong := range []string{
		guarded, "auth_pass cAnArY99 more", "auth_pass cAnArY99cAnArY99", `auth_pass "cAnArY99`, "auth_pas cAnArY99",
		"auth_pass {\ncAnArY99\n}", "auth_pass cAnArY99\nauth_pass cAnArY99", "auth_pass cAnArY99 {", "\tauth_pass\t\"cAnArY99",
	} {
		config := guarded
		if n > 0 {
			config = strings.Replace(guarded, "auth_pass cAnArY99", wrong, 1)
		}
		r.configure(config)
		r.signal(syscall.SIGHUP)
		r.awaitEither(n+1, "Reload finished", "go on with the old one")
		ask("-t", "-f", r.at("k.conf"))
		ask("status", "--socket", r.at("socket"))
		ask("status", "--json", "--socket", r.at("socket"))
	}
	for _, s := range []syscall.Signal{syscall.SIGUSR1, syscall.SIGUSR2, 36, 63} {
		r.signal(s)
	}
	r.await("Counters only grow", 1)
	line, err := os.ReadFile("/proc/" + r.pid() + "/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	r.signal(syscall.SIGTERM)
	if err := r.cmd.Wait(); err != nil {
		t.Errorf("ended with %v", err)
	}
	for what, text := range map[string]string{"the log": r.logged(), "what it said": written.String(), "the command line": string(line)} {
		for l := range strings.Lines(text) {
			if strings.Contains(l, canary) {
				t.Errorf("the password stands in %s: %s", what, l)
			}
		}
	}
}

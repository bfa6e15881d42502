package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"ipvsadm/testdata/lab/uml"
)

// toldRule is a declared difference in what is told: what one of both tells, and
// what the other tells instead, "" for nothing.
type toldRule struct {
	name    string
	ours    bool // it is we who tell it
	step    string
	pattern *regexp.Regexp
	instead string
	luck    bool // it may not happen
}

// toldRules are all of them. What they say is in the list of differences.
func toldRules() []toldRule {
	exp := regexp.MustCompile
	host, _ := os.Hostname()
	return []toldRule{
		{name: "first-success", step: "start", pattern: exp(`(?s)^.* - UP\r.*=> MISC CHECK succeeded on service <=.*$`)},
		{name: "first-success", step: "reload", pattern: exp(`(?s)^.*\[10\.5\.0\.206].* - UP\r.*=> MISC CHECK succeeded on service <=.*$`)},
		{name: "quorum-mail", pattern: exp(`=> Lost quorum (\d+)\+(\d+=\d+) <= (\d+) <=`), instead: "=> Lost quorum $1-$2 > $3 <="},
		{name: "file-mail", ours: true, pattern: exp(`(?s)^.*=> FILE_CHECK (failed|succeeded) on service <=.*$`)},
		{name: "stop-mail", ours: true, step: "stop", pattern: exp(`(?s)^.*=> Shutting down <=.*$`)},
		{name: "stop-mail", step: "stop", pattern: exp(`(?s)^.*=> Shutting down <=.*$`), luck: true},
		{name: "reload-quorum", step: "reload", pattern: exp(`(?s)^.*(VS |Virtualserver )\[10\.1\.1\.6]:tcp:80( -)? DOWN.*$`)},
		{name: "reload-quorum", step: "reload", pattern: exp(`^down 6 .*$`)},
		{name: "fifo-script", step: "reload", pattern: exp(`^reader .*$`)},
		{name: "mail-names", pattern: exp(`RCPT TO:<Some One <one@example\.com>>`), instead: "RCPT TO:<one@example.com>"},
		{name: "mail-names", pattern: exp(`HELO localhost\r`), instead: "HELO " + host + "\r", luck: true},
		{name: "mail-names", pattern: exp(`MAIL FROM:<\(null\)>`), instead: "MAIL FROM:<keepalived@" + host + ">", luck: true},
		{name: "mail-names", pattern: exp(`From: \(null\)\r`), instead: "From: keepalived@" + host + "\r", luck: true},
		{name: "mail-names", pattern: exp(`Subject: \[\[unknown]]`), instead: "Subject: [" + host + "]", luck: true},
		{name: "environment", pattern: exp(`\| export JOURNAL_STREAM='1:2' export LANG='C.UTF-8' export LD_LIBRARY_PATH='/nowhere' export OURS='7' export PATH='[^']*' export PWD='[^']*' export TZ='UTC'$`),
			instead: "| clean"},
		{name: "environment", ours: true, pattern: exp(`\| export HOME='[^']*' export LANG='C.UTF-8' export LOGNAME='(root|nobody)' export PATH='[^']*' export PWD='/' export SHELL='/bin/sh' export TZ='UTC' export USER='(root|nobody)'$`),
			instead: "| clean"},
	}
}

// toldScenario is a configuration, and what happens.
type toldScenario struct {
	name, config string
	steps        []toldStep
}

// toldStep is one thing that happens, and how much keepalived and we tell of it, but
// for what is luck.
type toldStep struct {
	name string
	much [2]int
	do   func(*twin)
}

// TestCheckTold compares what ipvsadm check and keepalived's checker tell the world:
// mails byte by byte, the lines of a FIFO in their order, and who runs which program
// with what, at the start, when servers die and come back, after a reload and at
// the end.
func TestCheckTold(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		rules := &toldRulebook{rules: toldRules()}
		all := toldScenarios()
		rules.compare(t, all[:1]) // it needs all of the guest
		rules.compare(t, all[1:])
		for i, r := range rules.rules {
			if rules.used[i] == 0 && !r.luck {
				t.Errorf("%s does not differ (%v)", r.name, r.pattern)
			}
		}
	})
}

// toldRulebook counts how often rules were used.
type toldRulebook struct {
	rules []toldRule
	used  [32]int
}

// compare runs scenarios side by side, step by step, for most of the time nothing
// happens: all of them wait at once.
func (b *toldRulebook) compare(t *testing.T, scenarios []toldScenario) {
	twins := make([][2]*twin, len(scenarios))
	for i, s := range scenarios {
		twins[i] = newTwins(t, fmt.Sprintf("%d-%d", len(scenarios), i), (*twin).populate, s.config)
	}
	for n := range 5 {
		least := map[*twin]int{}
		for i, s := range scenarios {
			if n < len(s.steps) {
				for j, w := range twins[i] {
					s.steps[n].do(w)
					least[w] = s.steps[n].much[j]
				}
			}
		}
		settle(t, least)
		for i, s := range scenarios {
			if n < len(s.steps) {
				b.compareStep(t, s.name, s.steps[n].name, twins[i])
			}
		}
	}
	for _, both := range twins {
		both[0].End()
		both[1].End()
	}
	for _, both := range twins {
		both[0].Stop()
		both[1].Stop()
	}
}

// compareStep compares what both told in a step.
func (b *toldRulebook) compareStep(t *testing.T, scenario, step string, both [2]*twin) {
	t.Helper()
	theirs, ours := both[0].takeTold(), both[1].takeTold()
	for j := range theirs {
		what := scenario + ", " + step + ", " + theirs[j].name
		compareTold(t, what, b.agreed(theirs[j].told, false, step), b.agreed(ours[j].told, true, step))
	}
}

// agreed is what is left of a list when the declared differences are taken out.
func (b *toldRulebook) agreed(list []string, ours bool, step string) (left []string) {
	for _, text := range list {
		for i, r := range b.rules {
			if r.ours == ours && (r.step == "" || r.step == step) && r.pattern.MatchString(text) {
				text = r.pattern.ReplaceAllString(text, r.instead)
				b.used[i]++
			}
		}
		if text != "" {
			left = append(left, text)
		}
	}
	return left
}

func compareTold(t *testing.T, what string, theirs, ours []string) {
	t.Helper()
	t.Logf("%s: %d", what, len(ours))
	if slices.Equal(theirs, ours) {
		return
	}
	missing := func(from, in []string) (all string) {
		for _, s := range from {
			if !slices.Contains(in, s) {
				all += fmt.Sprintf("\n\t%q", s)
			}
		}
		return all
	}
	t.Errorf("%s: keepalived tells %d, we %d\nonly keepalived tells%s\nonly we tell%s", what, len(theirs), len(ours), missing(theirs, ours), missing(ours, theirs))
}

func toldScenarios() []toldScenario {
	all := toldConfig(toldGlobals("smtp_alert_checker"))
	nothing := func(*twin) {}
	// One that two checkers look at, and two that tell that a step is over, of which one has never been up.
	checkers := toldServer(10, "", tcpCheck+miscCheck) + toldServer(1, "", tcpCheck) + toldServer(9, "alpha", tcpCheck)
	alike := func(n int) [2]int { return [2]int{n, n} }
	turns := func(start [2]int, other int) []toldStep {
		return []toldStep{
			{"start", start, nothing},
			{"one checker", alike(6), func(w *twin) { os.Remove(w.path("misc")) }},
			{"the other", alike(other), (*twin).allDown},
			{"the other again", alike(other), func(w *twin) { w.up("10.5.0.10:80", func(net.Conn) {}); w.up("10.5.0.1:80", func(net.Conn) {}) }},
			{"both", alike(6), func(w *twin) { w.write("misc", "", 0o644) }},
		}
	}
	const reading = `global_defs {
  script_user root
  lvs_notify_fifo DIR/read nobody nogroup
  lvs_notify_fifo_script "DIR/reader 'a  b' c" nobody nogroup
  max_auto_priority -1
}
`
	return []toldScenario{
		{"everything", all, []toldStep{
			{"start", [2]int{58, 57}, nothing},
			{"down", [2]int{71, 72}, (*twin).allDown},
			{"up", [2]int{71, 72}, (*twin).allUp},
			{"reload", [2]int{22, 18}, func(w *twin) {
				first, second := strings.Index(all, "virtual_server 10.1.1.1 "), strings.Index(all, "virtual_server 10.1.1.2 ")
				next := all[:first] + all[second:] + toldServer(16, "", "")
				w.configure(strings.NewReplacer("quorum 2\n", "quorum 1\n", "10.5.0.6 80", "10.5.0.206 80", "misc_timeout 3\n", "misc_timeout 60\n").Replace(next))
				w.write("slow", "#!/bin/sh\nexit 0\n", 0o755)
				w.Reload()
			}},
			{"stop", [2]int{4, 6}, (*twin).Stop},
		}},
		{"what asks for mails", toldGlobals("") +
			toldServer(1, "", tcpCheck) + toldServer(10, "smtp_alert", tcpCheck) + toldServer(11, "", "smtp_alert off\n"+tcpCheck) + toldServer(12, "smtp_alert off", "smtp_alert on\n"+tcpCheck),
			[]toldStep{{"start", alike(9), nothing}, {"down", alike(20), (*twin).allDown}, {"up", alike(20), (*twin).allUp}}},
		{"none but asked for", toldGlobals("smtp_alert_checker off") +
			toldServer(1, "", tcpCheck) + toldServer(10, "smtp_alert on", tcpCheck) + toldServer(11, "", "smtp_alert on\n"+tcpCheck),
			[]toldStep{{"start", alike(7), nothing}, {"down", alike(14), (*twin).allDown}, {"up", alike(14), (*twin).allUp}}},
		{"two checkers", toldGlobals("smtp_alert") + checkers, turns([2]int{9, 8}, 7)},
		{"no_checker_emails", toldGlobals("smtp_alert\nno_checker_emails") + checkers, turns(alike(8), 6)},
		{"a script reads the FIFO", reading + toldServer(1, "", tcpCheck), []toldStep{
			{"start", alike(3), nothing}, {"down", alike(4), (*twin).allDown}, {"up", alike(4), (*twin).allUp},
			{"reload", [2]int{3, 2}, func(w *twin) {
				w.configure(reading + toldServer(1, "", tcpCheck) + toldServer(2, "", tcpCheck))
				w.Reload()
			}},
			{"stop", alike(0), func(w *twin) {
				w.Stop()
				eventually(w.t, "the end of the script", func() bool { return !runs(w.path("reader")) })
			}},
		}},
		{"names by themselves", `global_defs {
  script_user nobody nogroup
  enable_script_security
  notify_fifo DIR/fifo
  max_auto_priority -1
  notification_email {
    "Some One <one@example.com>"
    two@example.com
  }
  smtp_server 127.0.0.1 25
  smtp_alert true
}
` + toldServer(1, "", tcpCheck), []toldStep{{"start", alike(3), nothing}, {"down", alike(6), (*twin).allDown}, {"up", alike(6), (*twin).allUp}}},
	}
}

func toldGlobals(more string) string {
	return `global_defs {
  router_id R1
  script_user root
  lvs_notify_fifo DIR/fifo
  max_auto_priority -1
  notification_email {
    ops@example.com
    two@example.com
  }
  notification_email_from ka@example.com
  smtp_server 127.0.0.1
  smtp_helo_name lab
  ` + more + `
}
`
}

// toldServer is virtual server n, with real server n.
func toldServer(n int, service, real string) string {
	return fmt.Sprintf(`virtual_server 10.1.1.%[1]d 80 {
  delay_loop 1
  warmup 0
  retry 1
  delay_before_retry 0.3
  connect_timeout 20
  lvs_sched rr
  lvs_method NAT
  protocol TCP
  quorum_up "DIR/note up %[1]d"
  quorum_down "DIR/note down %[1]d" nobody
  %[2]s
  real_server 10.5.0.%[1]d 80 {
    notify_up "DIR/note rs 'u  p' %[1]d" nobody root
    notify_down "DIR/note rs do\\ wn %[1]d"
    %[3]s
  }
}
`, n, service, real)
}

const (
	tcpCheck  = "TCP_CHECK {\n}\n"
	miscCheck = "MISC_CHECK {\nmisc_path \"/usr/bin/test -e DIR/misc\"\nmisc_timeout 60\n}\n"
)

// toldConfig has every kind of checker, and every way of a server.
func toldConfig(text string) string {
	text += "track_file load {\nfile DIR/load\n}\n"
	for i, c := range []string{
		tcpCheck,
		"HTTP_GET {\nurl {\npath /\nstatus_code 200\n}\n}\n",
		"SMTP_CHECK {\n}\n",
		"DNS_CHECK {\nretry 1\ndelay_before_retry 0.3\n}\n",
		"UDP_CHECK {\nrequire_reply\n}\n",
		miscCheck,
		"FILE_CHECK {\ntrack_file load\nweight 0\n}\n",
		"PING_CHECK {\n}\n",
		tcpCheck, // dead from the start
	} {
		text += toldServer(i+1, "", c)
	}
	return text +
		toldServer(11, "quorum 2\nsorry_server 10.5.0.250 80\nreal_server 10.5.0.211 80 {\n}\n", tcpCheck) +
		toldServer(12, "omega\n", tcpCheck) +
		toldServer(13, "alpha\n", tcpCheck) +
		toldServer(14, "", "inhibit_on_failure\n"+tcpCheck) +
		toldServer(15, "", "MISC_CHECK {\nmisc_path DIR/slow\nmisc_timeout 3\n}\n")
}

// populate has all servers of toldConfig there but one.
func (w *twin) populate() {
	lines := ""
	for i := range 15 {
		if i != 7 {
			lines += fmt.Sprintf("addr add 10.5.0.%d/32 dev lo\n", i+1)
		}
	}
	w.ip(lines + "route add unreachable 10.5.0.8/32\n")
	w.write("slow", "#!/bin/sh\nsleep 3456\n", 0o755)
	w.write("reader", strings.ReplaceAll(reader, "DIR", w.dir), 0o755)
	w.allUp()
}

// reader is a program for a FIFO: it tells how it was run, what the FIFO is like, and
// all that comes.
const reader = `#!/bin/sh
fifo=$3
DIR/note reader "$1" "$2" "${fifo##*/}" $# $(stat -c '%a %U %G' "$fifo")
while read -r line; do
	echo "$line" > DIR/fifo
done < "$fifo"
`

// ip has ip do all lines at once: starting programs is what takes the time.
func (w *twin) ip(lines string) {
	w.t.Helper()
	w.write("lines", lines, 0o600)
	run(w.t, w.NS, "ip -batch "+w.path("lines"))
}

// plainServers only take connections.
func plainServers() []int { return []int{1, 10, 11, 12, 13, 14} }

func (w *twin) allUp() {
	for _, n := range plainServers() {
		w.up(fmt.Sprintf("10.5.0.%d:80", n), func(net.Conn) {})
	}
	w.up("10.5.0.2:80", func(c net.Conn) {
		for r := bufio.NewScanner(c); r.Scan() && r.Text() != ""; {
		}
		fmt.Fprint(c, "HTTP/1.0 200 OK\r\n\r\nhello\n")
	})
	w.up("10.5.0.3:80", func(c net.Conn) { takeMail(c, make(chan string, 9)) })
	w.upUDP("10.5.0.4:80", func(b []byte) { b[2] |= 0x80 }) // an answer: rcode 0
	w.upUDP("10.5.0.5:80", func([]byte) {})
	w.write("misc", "", 0o644)
	w.write("load", "0\n", 0o644)
	w.ip("route del unreachable 10.5.0.8/32\naddr add 10.5.0.8/32 dev lo\n")
}

func (w *twin) allDown() {
	for _, n := range append(plainServers(), 2, 3, 4, 5) {
		w.down(fmt.Sprintf("10.5.0.%d:80", n))
	}
	os.Remove(w.path("misc"))
	w.write("load", "1\n", 0o644)
	w.ip("addr del 10.5.0.8/32 dev lo\nroute add unreachable 10.5.0.8/32\n")
}

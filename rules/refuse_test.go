package rules

import (
	"errors"
	"strings"
	"testing"
)

// refused is a test of a line that makes no Command.
type refused struct{ about, line, text string }

// testRefused expects every line to be refused with its text, an exit code, and
// in a stream either to be skipped or to end it.
func testRefused(t *testing.T, code int, skip bool, tests []refused) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.about, func(t *testing.T) {
			got, err := parseLine(tt.line)
			var usage *usageError
			if !errors.As(err, &usage) {
				t.Fatalf("%s makes %+v, %v", tt.line, got, err)
			}
			if usage.text != tt.text || usage.ExitCode() != code || usage.skip != skip {
				t.Errorf("%s\n got %q, exit %d, skip %v\nwant %q, exit %d, skip %v",
					tt.line, usage.text, usage.code, usage.skip, tt.text, code, skip)
			}
		})
	}
}

func TestTheFirstOptionMustBeACommand(t *testing.T) {
	const try = "Try `ipvsadm -h' or 'ipvsadm --help' for more information."
	testRefused(t, 255, false, []refused{
		{"a letter that is no command", "-n", try},
		{"a name that is no command", "--numeric", try},
		{"even before one", "-n -L", try},
		{"an option with a value", "-t 10.0.0.1:80", try},
		{"an unknown name", "--foo", try},
		{"an unknown letter", "-q", try},
		{"a plain word", "foo", try},
		{"a dash", "-", try},
		{"the end of options", "--", try},
		{"a command after the end of options", "-- -L", try},
		{"an empty word", "_", try},
		{"a value nobody wants", "--list=x", try},
		{"a letter's value nobody wants", "-L=x", try},
		{"no value", "--start-daemon", try},
		{"no value to stop", "--stop-daemon", try},
		{"--set takes no value", "--set=1 2 3", try},
		{"help takes none either", "-h=x", try},
	})
}

func TestWordsAfterTheFirstOptionThatAreNoOptions(t *testing.T) {
	testRefused(t, 255, true, []refused{
		{"unknown letter", "-Lq", "-Lq: unknown option"},
		{"unknown name", "-L --foo=bar", "--foo=bar: unknown option"},
		{"value nobody wants", "-L -n=bar", "-n=bar: option does not take an argument"},
		{"missing value", "-A -t", "-t: missing argument"},
		{"a number after --set", "--set -1 2 3", "-1: unknown option"},
		{"a number after -p", "-A -t 10.0.0.1:80 -p -1", "-1: unknown option"},
		{"before too few words for --set", "--set 1 --bogus", "--bogus: unknown option"},
		{"before plain words", "-L foo --bogus", "--bogus: unknown option"},
	})
}

func TestOnlyOneCommandPerLine(t *testing.T) {
	testRefused(t, 2, false, []refused{
		{"two words", "-A -D", "invalid option `-D'"},
		{"one bundle", "-LA", "invalid option `-LA'"},
		{"the same again", "-L -l", "invalid option `-l'"},
		{"help", "-L --help", "invalid option `--help'"},
		{"version in a bundle", "-Lnv", "invalid option `-Lnv'"},
		{"a command with a value", "-L --start-daemon master", "invalid option `master'"},
		{"a command with its value in one word", "-L --start-daemon=master", "invalid option `--start-daemon=master'"},
		{"a command with a bad value", "-L --stop-daemon foo", "invalid option `foo'"},
		{"before a missing option", "-A -D -t bad", "invalid option `-D'"},
	})
}

func TestAnOptionIsGivenOnce(t *testing.T) {
	multiple := func(o string) string { return "multiple '" + o + "' options specified" }
	testRefused(t, 2, false, []refused{
		{"in two words", "-L -n -n", multiple("numeric")},
		{"in one bundle", "-Lnn", multiple("numeric")},
		{"by letter and by name", "-L --exact -X", multiple("exact")},
		{"two services", "-A -t 10.0.0.1:80 -t 10.0.0.2:80", multiple("service-address")},
		{"services of two protocols", "-A -t 10.0.0.1:80 -u 10.0.0.2:80", multiple("service-address")},
		{"a service and a mark", "-A -t 10.0.0.1:80 -f 1", multiple("service-address")},
		{"two methods", "-a -m -g", multiple("forwarding-method")},
		{"one method twice", "-a -mm", multiple("forwarding-method")},
		{"schedulers", "-A -s rr -s wrr", multiple("scheduler")},
		{"persistence", "-A -p -p", multiple("persistent")},
		{"masks", "-A -M 255.0.0.0 -M 255.0.0.0", multiple("netmask")},
		{"one packet", "-A -oo", multiple("ops")},
		{"engines", "-A --pe sip --pe sip", multiple("pe")},
		{"flags, although they would be wrong", "-A -b a -b b", multiple("sched-flags")},
		{"servers", "-a -r 10.0.0.2 -r 10.0.0.3", multiple("real-server")},
		{"weights", "-a -w 1 -w 2", multiple("weight")},
		{"upper thresholds", "-a -x 1 -x 2", multiple("u-threshold")},
		{"lower thresholds", "-a -y 1 -y 2", multiple("l-threshold")},
		{"tunnel types", "-a --tun-type gue --tun-type gre", multiple("tun-type")},
		{"tunnel ports", "-a --tun-port 1 --tun-port 2", multiple("tun-port")},
		{"checksums", "-a --tun-csum --tun-csum", multiple("tun-csum")},
		{"interfaces", "--start-daemon master --mcast-interface a --mcast-interface b", multiple("mcast-interface")},
		{"an illegal option as well", "-C -n -n", multiple("numeric")},
		{"the repetition before its value", "-L -w 1 -w bad", multiple("weight")},
	})
}

func TestPlainWordsDoNotBelong(t *testing.T) {
	testRefused(t, 2, false, []refused{
		{"the first is named", "-L foo bar", "unexpected argument foo"},
		{"also before the command", "foo -L", "unexpected argument foo"},
		{"after the end of options", "-L -- -n", "unexpected argument -n"},
		{"a dash", "-L -", "unexpected argument -"},
		{"an empty word", "-L _", "unexpected argument "},
		{"a fourth timeout", "--set 1 2 3 4", "unexpected argument 4"},
		{"what -p did not take", "-A -t 10.0.0.1:80 -p -- 5", "unexpected argument 5"},
	})
}

func TestBadValuesAreNamed(t *testing.T) {
	const (
		virtual = "illegal virtual server address[:port] specified"
		real    = "illegal real server address[:port] specified"
		mask    = "illegal virtual server persistent mask specified"
		mask6   = "illegal ipv6 netmask specified"
	)
	timeout := func(v string) string { return "invalid timeout value `" + v + "' specified" }
	fwmark := func(v string) string { return "invalid fwmark value `" + v + "' specified" }
	testRefused(t, 2, false, []refused{
		{"a service that is only a port", "-A -t 80", virtual},
		{"a server that is only a port", "-a -t 10.0.0.1:80 -r 80", real},
		{"an empty server", "-a -r _", real},
		{"a server's port by name before the service", "-a -r 10.0.0.5:http -t 10.0.0.1:80", real},
		{"a UDP port for TCP", "-A -u 10.0.0.1:http", virtual},
		{"mark 0", "-A -f 0", fwmark("0")},
		{"a mark of 33 bits", "-A -f 4294967296", fwmark("4294967296")},
		{"a negative mark", "-A -f -1", fwmark("-1")},
		{"a hexadecimal mark", "-A -f 0x10", fwmark("0x10")},
		{"no mark", "-A -f _", fwmark("")},
		{"-6 before -f", "-A -6 -f 1", "-6 used before -f\n"},
		{"-6 with an address", "-L -t [::1]:80 -6", "-6 used before -f\n"},
		{"-6 alone", "-C -6", "-6 used before -f\n"},
		{"persistence for no time", "-A -p 0", timeout("0")},
		{"persistence beyond 31 days", "-A -p 2678401", timeout("2678401")},
		{"persistence for no number", "-A -p _", timeout("")},
		{"letters after -p", "-A -po", timeout("o")},
		{"a mask of letters", "-A -M abc", mask},
		{"no mask", "-A -t 10.0.0.1:80 -M _", mask},
		{"a negative mask", "-A -M -1", mask},
		{"a prefix too long", "-A -M /33", mask},
		{"a prefix of letters", "-A -M /x", mask},
		{"no prefix", "-A -M /", mask},
		{"an IPv6 prefix of 0", "-A -f 1 -6 -M 0", mask6},
		{"an IPv6 prefix of 129", "-A -f 1 -6 -M 129", mask6},
		{"an IPv6 prefix of letters", "-A -f 1 -6 -M abc", mask6},
		{"an IPv6 prefix that is a mask", "-A -f 1 -6 -M ffff::", mask6},
		{"an IPv6 prefix of 0 with a slash", "-A -f 1 -6 -M /0", mask6},
		{"an IPv6 prefix of 129 with a slash", "-A -f 1 -6 -M /129", mask6},
		{"an IPv6 prefix with letters after a slash", "-A -f 1 -6 -M /64abc", mask6},
		{"a negative weight", "-a -w -1", "illegal weight specified"},
		{"a weight of 32 bits", "-a -w 2147483648", "illegal weight specified"},
		{"a weight of 33 bits", "-a -w 4294967297", "illegal weight specified"},
		{"a fraction", "-a -w 1.5", "illegal weight specified"},
		{"an upper threshold of 32 bits", "-a -x 2147483648", "illegal u_threshold specified"},
		{"a negative lower threshold", "-a -y -1", "illegal l_threshold specified"},
		{"an unknown tunnel", "-a --tun-type GUE", "illegal tunnel type specified"},
		{"tunnel port 0", "-a --tun-port 0", "illegal tunnel port specified"},
		{"tunnel port 65536", "-a --tun-port 65536", "illegal tunnel port specified"},
		{"an unknown daemon", "--start-daemon Master", "illegal start-daemon parameter specified"},
		{"an unknown daemon to stop", "--stop-daemon foo", "illegal start_daemon specified"},
		{"id 256", "--start-daemon master --syncid 256", "illegal syncid specified"},
		{"id -1", "-L --syncid -1", "illegal syncid specified"},
		{"messages of no bytes", "--start-daemon master --sync-maxlen 0", "illegal sync-maxlen specified"},
		{"messages of 65508 bytes", "--start-daemon master --sync-maxlen 65508", "illegal sync-maxlen specified"},
		{"group port 0", "--start-daemon master --mcast-port 0", "illegal mcast-port specified"},
		{"group port 65536", "--start-daemon master --mcast-port 65536", "illegal mcast-port specified"},
		{"ttl 0", "--start-daemon master --mcast-ttl 0", "illegal mcast-ttl specified"},
		{"ttl 256", "--start-daemon master --mcast-ttl 256", "illegal mcast-ttl specified"},
		{"a group that is no multicast", "--start-daemon master --mcast-group 10.0.0.1", "invalid IPv4 mcast-group `10.0.0.1'"},
		{"a short group", "--start-daemon master --mcast-group 224.0.1", "invalid IPv4 mcast-group `224.0.1'"},
		{"no group", "--start-daemon master --mcast-group _", "invalid IPv4 mcast-group `'"},
		{"an IPv6 group that is no multicast", "--start-daemon master --mcast-group ::1", "invalid IPv6 mcast-group `::1'"},
		{"a group with a port", "--start-daemon master --mcast-group 239.255.255.255:80", "invalid IPv6 mcast-group `239.255.255.255:80'"},
		{"a group with a zone", "--start-daemon master --mcast-group ff02::1%d0", "invalid IPv6 mcast-group `ff02::1%d0'"},
		{"an IPv4 group in IPv6", "--start-daemon master --mcast-group ::ffff:224.0.0.1", "invalid IPv6 mcast-group `::ffff:224.0.0.1'"},
		{"flags of another scheduler", "-A -t 10.0.0.1:80 -s mh -b sh-port", "incompatible scheduler flag `sh-port'"},
		{"flags of a scheduler, with wlc", "-A -t 10.0.0.1:80 -b sh-port", "incompatible scheduler flag `sh-port'"},
		{"flags nobody has", "-A -t 10.0.0.1:80 -b flag-1,flag-4", "invalid scheduler flag `flag-4'"},
		{"too few timeouts", "--set 1 2", "--set option requires 3 timeout values"},
		{"a timeout beyond 31 days", "--set 2678401 1 1", timeout("2678401")},
		{"a timeout of letters", "--set 1 2 c", timeout("c")},
		{"a negative timeout", "--set -- 1 -1 3", timeout("-1")},
	})
}

func TestOfSeveralMistakesTheFirstCheckedIsReported(t *testing.T) {
	testRefused(t, 2, false, []refused{
		{"a value before a missing option", "-A -w abc", "illegal weight specified"},
		{"values from left to right", "-L -t bad -w abc", "illegal virtual server address[:port] specified"},
		{"a missing option before an illegal one", "-A -w 5", "You need to supply the 'service-address' option for the 'add-service' command"},
		{"an illegal option before a missing one, by rank", "-A -n", "Illegal 'numeric' option with the 'add-service' command"},
		{"illegal options by rank, not place", "-A -t 10.0.0.1:80 -r 10.0.0.2 -m -w 1 -n", "Illegal 'numeric' option with the 'add-service' command"},
		{"a plain word before an illegal option", "-L foo -w 5", "unexpected argument foo"},
		{"flags before illegal options", "-L -b bogus", "invalid scheduler flag `bogus'"},
		{"flags before missing options", "-A -b bogus", "invalid scheduler flag `bogus'"},
		{"a plain word before flags", "-A foo -b bogus", "unexpected argument foo"},
		{"port 0 before one packet", "-A -t 10.0.0.1 -o", "Zero port specified for non-persistent service"},
		{"families before tunnels", "-a -t 10.0.0.1:80 -r [::1]:80 -m --tun-type gue", "Different address family is allowed only for tunneling servers"},
		{"tunnels if families may differ", "-a -t 10.0.0.1:80 -r [::1]:80 -i --tun-type gue", "You need to supply the 'tun-port' option for the 'gue' tunnel type"},
		{"too few timeouts before an illegal option", "--set 1 2 -n", "--set option requires 3 timeout values"},
		{"a bad timeout before a fourth", "--set 1 2 x y", "invalid timeout value `x' specified"},
		{"two kinds of listing before a form", "-L -c -t 10.0.0.1:80 --stats", "The option 'service-address' conflicts with the 'connection' option in the 'list' command"},
		{"an illegal option before a form", "-L -c --stats -s rr", "Illegal 'scheduler' option with the 'list' command"},
	})
}

func TestServicesThatCannotWorkAreRefused(t *testing.T) {
	const (
		port = "Zero port specified for non-persistent service"
		ops  = "One-Packet Scheduling is only for UDP virtual services"
	)
	testRefused(t, 2, false, []refused{
		{"no port", "-A -t 10.0.0.1", port},
		{"port 0", "-A -u 10.0.0.1:0", port},
		{"no port on IPv6", "-E -t ::1", port},
		{"a port the brackets of IPv4 hide", "-A -t [10.0.0.1]:80", port},
		{"one packet of TCP", "-A -t 10.0.0.1:80 -o", ops},
		{"one packet of SCTP", "-E --sctp-service 10.0.0.1:80 -o", ops},
	})
}

func TestServersThatCannotWorkAreRefused(t *testing.T) {
	const (
		family  = "Different address family is allowed only for tunneling servers"
		methods = "Tunnel options conflict with forward method"
	)
	const a = "-a -t 10.0.0.1:80 -r 10.0.0.2 "
	testRefused(t, 2, false, []refused{
		{"IPv6 behind IPv4, routed", "-a -t 10.0.0.1:80 -r [2001:db8::2]:80", family},
		{"IPv4 behind IPv6, translated", "-e -t [2001:db8::1]:80 -r 10.0.0.3 -m", family},
		{"IPv6 behind a mark on IPv4", "-a -f 1 -r [2001:db8::2]:81 -m", family},
		{"IPv4 behind a mark on IPv6", "-a -f 1 -6 -r 10.0.0.3 -m", family},
		{"a tunnel type without -i", a + "--tun-type ipip", methods},
		{"a tunnel port with -g", a + "-g --tun-port 5", methods},
		{"a checksum with -m", a + "-m --tun-remcsum", methods},
		{"no checksum with -m", a + "-m --tun-nocsum", methods},
	})
}

// TestTunnelOptionsFitTheirTunnel tries every checksum and the port with every
// tunnel type.
func TestTunnelOptionsFitTheirTunnel(t *testing.T) {
	const grid = `
		         ipip     gue      gre
		port     illegal  required illegal
		nocsum   illegal  one      one
		csum     illegal  one      one
		remcsum  illegal  one      illegal
	`
	lines := strings.Split(strings.TrimSpace(grid), "\n")
	for column, tunnel := range strings.Fields(lines[0]) {
		base := "-a -t 10.0.0.1:80 -r 10.0.0.2 -i --tun-type " + tunnel
		port := ""
		if tunnel == "gue" {
			port = " --tun-port 6080"
		}
		first := ""
		for _, line := range lines[1:] {
			fields := strings.Fields(line)
			option, rule := "tun-"+fields[0], fields[1+column]
			word := " --" + option
			if option == "tun-port" {
				word += " 6080"
			}
			switch rule {
			case "illegal":
				expectRefused(t, base+port+word, "Illegal '"+option+"' option with the '"+tunnel+"' tunnel type")
			case "required":
				expectAccepted(t, base+word)
				expectRefused(t, base, "You need to supply the '"+option+"' option for the '"+tunnel+"' tunnel type")
			case "one":
				expectAccepted(t, base+port+word)
				if first != "" {
					expectRefused(t, base+port+word+" --"+first,
						"The option '"+option+"' conflicts with the '"+first+"' option in the '"+tunnel+"' tunnel type")
				}
				first = option
			}
		}
	}
}

func expectAccepted(t *testing.T, line string) {
	t.Helper()
	if _, err := parseLine(line); err != nil {
		t.Errorf("%s: %v", line, err)
	}
}

func expectRefused(t *testing.T, line, text string) {
	t.Helper()
	c, err := parseLine(line)
	var usage *usageError
	if !errors.As(err, &usage) || usage.text != text || usage.code != 2 {
		t.Errorf("%s\n got %v, %v\nwant %s", line, c, err, text)
	}
}

func TestFormsOfListingsThatExcludeOneAnother(t *testing.T) {
	const forms = "options conflicts in the list command"
	conflict := func(second, first string) string {
		return "The option '" + second + "' conflicts with the '" + first + "' option in the 'list' command"
	}
	testRefused(t, 2, false, []refused{
		{"connections and timeouts", "-L --timeout -c", conflict("timeout", "connection")},
		{"connections and daemons", "-L -c --daemon", conflict("daemon", "connection")},
		{"connections of a service", "-L -t 10.0.0.1:80 -c", conflict("service-address", "connection")},
		{"timeouts and daemons", "-L --daemon --timeout", conflict("daemon", "timeout")},
		{"timeouts of a service", "-L -f 1 --timeout", conflict("timeout", "service-address")},
		{"daemons of a service", "-L --daemon -t 10.0.0.1:80", conflict("daemon", "service-address")},
		{"counters of connections", "-L -c --stats", forms},
		{"rates of connections", "-L -c --rate", forms},
		{"thresholds of connections", "-L -c --thresholds", forms},
		{"counters of timeouts", "-L --timeout --stats", forms},
		{"rates of daemons", "-L --daemon --rate", forms},
		{"persistent connections of timeouts", "-L --timeout --persistent-conn", forms},
		{"persistent connections of daemons", "-L --daemon --persistent-conn", forms},
	})
}

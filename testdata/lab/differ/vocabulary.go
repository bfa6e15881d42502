package differ

import "strings"

// Hosts is the hosts file of both namespaces. The names are of the lengths at
// which listings and saved tables cut them.
const Hosts = `127.0.0.1 localhost
::1 ip6-localhost ip6-loopback
10.0.0.1 vip.example.org vip
10.0.0.2 a-very-long-host-name-for-a-virtual-service.subdomain.example.org
192.168.0.1 rs1
192.168.0.2 real-server-number-two.example.com
192.168.0.3 this-is-an-extremely-long-real-server-host-name.that-exceeds-sixty-characters.example.com
2001:db8::1 vip6.example.org
2001:db8::a real6-with-a-rather-long-name.example.org
10.0.0.3 abcdefghijklmnopqrstuvw
10.0.0.4 abcdefghijklmnopqrstuvwxyz0
`

// shape is how an option takes a value.
type shape int

const (
	flag     shape = iota // none
	valued                // one
	optional              // one or none
)

// An opt is an option of ipvsadm's command line.
type opt struct {
	long    string
	short   string // "" if there is none
	shape   shape
	command bool
	good    []string // values that may be accepted
	bad     []string // values that may not
}

// oddNumbers are wrong or strange for every number.
func oddNumbers() []string {
	return []string{"", "-1", " 7", "7 ", "+7", "007", "0x10", "1.5", "abc", "7a", "1e3", "65536", "2147483647",
		"2147483648", "4294967295", "4294967296", "99999999999999999999", "-9223372036854775809", "٣", "\xff", "0"}
}

// addresses are the hosts of services and real servers.
type addresses struct{ virtual4, virtual6, server4, server6, odd []string }

func theAddresses() addresses {
	return addresses{
		virtual4: strings.Fields("10.0.0.1 10.0.0.2 10.0.0.3 192.168.7.1 172.16.255.254 255.255.255.255 0.0.0.0 224.0.0.5"),
		virtual6: strings.Fields("2001:db8::1 2001:db8::2 fd00:0:0:1:2:3:4:5 ::1 :: ff02::1 ::ffff:10.0.0.1 2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"),
		server4:  strings.Fields("192.168.0.1 192.168.0.2 192.168.0.3 10.0.0.9 172.16.3.4 127.0.0.1 223.255.255.254 1.2.3.4 10.0.0.254"),
		server6:  strings.Fields("2001:db8::a 2001:db8::b fd00::9 ::1 2001:db8:1:2:3:4:5:6 2002::1"),
		odd: []string{"localhost", "vip", "VIP.example.org", "rs1", "abcdefghijklmnopqrstuvw", "nosuchhost", "vip6.example.org", "10.1", "0x0a000001",
			"010.0.0.1", "1", "4294967295", "4294967296", "256.0.0.1", "1.2.3.4.5", "10.0.0.1 ", " 10.0.0.1", "10.0.0.1 x", "10.0.0.", ".1", "10..1",
			"0x", "08.0.0.1", "10.0.0.255", "10.0.0.0", "fe80::1", "fe80::1%lo", "::1%1", "2001:DB8::1", "1:2:3:4:5:6:7:8:9", ":::", "::g", "", "-", "*",
			"127.1", "127.0.0.1.", "0xffffffff", "037777777777", "0x100000000", "1.2.65535", "1.2.65536", "1.16777215", "1.16777216", "00000000000000010.0.0.1",
			"::10.0.0.1", "::ffff:1.2.3", "64:ff9b::1.2.3.4", "localhost.", "LOCALHOST", "1\t", "1.2.3.4\n"},
	}
}

// portWords are ports as they are typed.
type portWords struct{ good, odd []string }

func thePorts() portWords {
	return portWords{
		good: strings.Fields("80 80 80 443 53 8080 5060 1 65535"),
		odd: []string{"0", "http", "https", "domain", "sip", "mdns", "HTTP", "www", "http-alt", "snpp", "nosuchport", "65536", "-1", "+80", " 80", "80 ", "080", "0x50",
			"", "8o", "1.0", "000000000000000000080", "99999999999999999999", "-0", "+0"},
	}
}

// options are those of ipvsadm 1.31. Values of services and real servers are
// made elsewhere.
func options() []opt {
	return []opt{
		{long: "add-service", short: "A", command: true}, {long: "edit-service", short: "E", command: true},
		{long: "delete-service", short: "D", command: true}, {long: "clear", short: "C", command: true},
		{long: "restore", short: "R", command: true}, {long: "save", short: "S", command: true},
		{long: "add-server", short: "a", command: true}, {long: "edit-server", short: "e", command: true},
		{long: "delete-server", short: "d", command: true}, {long: "list", short: "L", command: true},
		{long: "list", short: "l", command: true}, {long: "zero", short: "Z", command: true},
		{long: "set", command: true},
		{long: "start-daemon", shape: valued, command: true, good: []string{"master", "backup"}, bad: []string{"Master", "", "slave", "master ", "masterx"}},
		{long: "stop-daemon", shape: valued, command: true, good: []string{"master", "backup"}, bad: []string{"Backup", "", "both"}},
		{long: "help", short: "h", command: true}, {long: "version", short: "v", command: true},

		{long: "tcp-service", short: "t", shape: valued}, {long: "udp-service", short: "u", shape: valued},
		{long: "sctp-service", shape: valued}, {long: "real-server", short: "r", shape: valued},
		{long: "fwmark-service", short: "f", shape: valued, good: strings.Fields("1 2 7 7 100 2147483647 2147483648 3000000000 4294967295"), bad: oddNumbers()},
		{long: "ipv6", short: "6"},
		{long: "scheduler", short: "s", shape: valued,
			good: strings.Fields("rr rr wrr lc wlc lblc lblcr dh sh sh sed nq fo ovf mh mh none"),
			bad:  []string{"", "RR", "nosuch", "abcdefghijklmno", "abcdefghijklmnop", "rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr", "r r", "rr ", "-s", "rr,wrr", "twos", "rr\x01"}},
		{long: "persistent", short: "p", shape: optional, good: strings.Fields("1 5 60 360 3600 2678400"),
			bad: append([]string{"2678401", "rr", "o"}, oddNumbers()...)},
		{long: "netmask", short: "M", shape: valued,
			good: strings.Fields("255.255.255.0 255.0.0.0 255.255.255.255 0.0.0.0 64 24 128 1 255.0.255.0"),
			bad:  []string{"abc", "", "0", "129", "256.0.0.0", "255.255.255", "64abc", "ffff::", "-1", "localhost", "vip", "/24", "/64", "/33", "/", "4294967360", "0x40", " 64", "1.2.3.4 x"}},
		{long: "ops", short: "o"},
		{long: "pe", shape: valued, good: []string{"sip", "sip", ""}, bad: []string{"nosuch", "SIP", "sipsipsipsipsips", "sipsipsipsipsipsi", "sip "}},
		{long: "sched-flags", short: "b", shape: valued,
			good: strings.Fields("flag-1 flag-2 flag-3 flag-1,flag-3 flag-1,flag-2,flag-3 sh-fallback sh-port sh-port,sh-fallback mh-fallback mh-port mh-port,flag-3 ,flag-2,,flag-1,"),
			bad:  []string{"", ",", ",,,", "bogus", "flag-1,bogus", "FLAG-1", "flag-4", "flag", "flag-1 ", " flag-1", "sh-port,mh-port", "bogus,sh-port", "flag-1,flag-1,flag-1,flag-1,flag-1,flag-1,flag-1,flag-1,flag-1,flag-1,flag-1,flag-1,flag-1,flag-1,flag-1,flag-1,flag-1,flag-1,bogus"}},
		{long: "gatewaying", short: "g"}, {long: "ipip", short: "i"}, {long: "masquerading", short: "m"},
		{long: "weight", short: "w", shape: valued, good: strings.Fields("0 1 2 5 100 65535 65536 2147483647"), bad: oddNumbers()},
		{long: "u-threshold", short: "x", shape: valued, good: strings.Fields("0 5 10 1000 2147483647"), bad: oddNumbers()},
		{long: "l-threshold", short: "y", shape: valued, good: strings.Fields("0 2 5 2147483647"), bad: oddNumbers()},
		{long: "tun-type", shape: valued, good: strings.Fields("ipip gue gue gre"), bad: []string{"", "GUE", "vxlan", "gre "}},
		{long: "tun-port", shape: valued, good: strings.Fields("6080 1 65535"), bad: oddNumbers()},
		{long: "tun-nocsum"}, {long: "tun-csum"}, {long: "tun-remcsum"},
		{long: "numeric", short: "n"}, {long: "connection", short: "c"}, {long: "timeout"}, {long: "daemon"},
		{long: "stats"}, {long: "rate"}, {long: "thresholds"}, {long: "persistent-conn"}, {long: "tun-info"},
		{long: "exact", short: "X"}, {long: "nosort"}, {long: "sort"},
		{long: "mcast-interface", shape: valued, good: []string{"d0", "lo"}, bad: []string{"", "nosuch0", "d0 ", "abcdefghijklmnop", "abcdefghijklmnopqrstuv"}},
		{long: "syncid", shape: valued, good: strings.Fields("0 1 99 255"), bad: append([]string{"256"}, oddNumbers()...)},
		{long: "sync-maxlen", shape: valued, good: strings.Fields("1 500 1472 65507"), bad: append([]string{"65508"}, oddNumbers()...)},
		{long: "mcast-group", shape: valued, good: strings.Fields("224.0.0.81 239.1.1.1 ff02::81 ff05::1"),
			bad: []string{"", "10.0.0.1", "::1", "abc", "224.0.1", "239.1.1.1:80", "224.0.0.1 ", "0xe0000001", "ff02::1%lo", "ff02:::1", "::ffff:224.0.0.1", "224.000.0.1", "239.1.1.256"}},
		{long: "mcast-port", shape: valued, good: strings.Fields("1 8848 65535"), bad: oddNumbers()},
		{long: "mcast-ttl", shape: valued, good: strings.Fields("1 4 255"), bad: append([]string{"256"}, oddNumbers()...)},
	}
}

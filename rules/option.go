package rules

import "github.com/spf13/pflag"

// verb is what a command line asks for; each has one option of its own, which
// must come first on the line.
type verb uint8

const (
	noVerb verb = iota
	addService
	editService
	deleteService
	flush
	addServer
	editServer
	deleteServer
	list
	zero
	setTimeouts
	startDaemon
	stopDaemon
	restore
	save
	help
	version
)

// String returns the name ipvsadm's messages use.
func (v verb) String() string {
	return [...]string{
		"", "add-service", "edit-service", "delete-service", "flush",
		"add-server", "edit-server", "delete-server", "list", "zero", "set",
		"start-daemon", "stop-daemon", "restore", "save", "help", "version",
	}[v]
}

// option is a kind of option that verbs require, allow or refuse. Spellings that
// exclude one another are one kind: -t and -f both give the service address. The
// order is that in which offences are reported.
type option uint8

const (
	optNumeric option = iota
	optConnection
	optService
	optScheduler
	optPersistent
	optNetmask
	optServer
	optForward
	optWeight
	optUpper
	optLower
	optInterface
	optTimeout
	optDaemon
	optStats
	optRate
	optThresholds
	optPersistentConn
	optNoSort
	optSyncID
	optExact
	optOnePacket
	optPE
	optSchedFlags
	optGroup
	optPort
	optTTL
	optMaxLen
	optTunInfo
	optTunType
	optTunPort
	optTunNoCsum
	optTunCsum
	optTunRemCsum
	numOptions

	// noOption is that of options nobody judges: -6, --sort and the verbs.
	noOption
)

// String returns the name ipvsadm's messages use.
func (o option) String() string {
	return [...]string{
		"numeric", "connection", "service-address", "scheduler", "persistent",
		"netmask", "real-server", "forwarding-method", "weight", "u-threshold",
		"l-threshold", "mcast-interface", "timeout", "daemon", "stats", "rate",
		"thresholds", "persistent-conn", "nosort", "syncid", "exact", "ops", "pe",
		"sched-flags", "mcast-group", "mcast-port", "mcast-ttl", "sync-maxlen",
		"tun-info", "tun-type", "tun-port", "tun-nocsum", "tun-csum", "tun-remcsum",
	}[o]
}

// optionSet is a set of options below numOptions.
type optionSet uint64

func setOf(options ...option) optionSet {
	var s optionSet
	for _, o := range options {
		s |= 1 << o
	}
	return s
}

func (s optionSet) has(o option) bool          { return s&(1<<o) != 0 }
func (s optionSet) meets(other optionSet) bool { return s&other != 0 }

// spelling is what the option table keeps of one option beside its names. It is
// a pflag.Value, though never set: scan walks the words and read takes the value.
type spelling struct {
	verb  verb   // noVerb if it is no command
	kind  option // noOption if nobody judges it
	value string // what the value is; "" for an option without
	read  func(d *draft, value string) error
}

func (*spelling) String() string   { return "" }
func (*spelling) Set(string) error { return nil }

// Type names the value in the help; pflag shows none for "bool".
func (s *spelling) Type() string {
	if s.value == "" {
		return "bool"
	}
	return s.value
}

// spellingOf returns what the table knows of an option.
func spellingOf(f *pflag.Flag) *spelling { return f.Value.(*spelling) }

// optionGroup is a part of the option table; the help shows one after the other.
type optionGroup struct {
	title string
	flags []pflag.Flag
}

// optionTable returns every option of ipvsadm by its names.
func optionTable() *pflag.FlagSet {
	table := pflag.NewFlagSet("", pflag.ContinueOnError)
	for _, g := range optionGroups() {
		for i := range g.flags {
			table.AddFlag(&g.flags[i])
		}
	}
	return table
}

// optionGroups is the table itself.
func optionGroups() []optionGroup {
	return []optionGroup{
		{"Commands", commandFlags()},
		{"Service options", serviceFlags()},
		{"Server options", serverFlags()},
		{"Listing options", listFlags()},
		{"Daemon options", daemonFlags()},
	}
}

func commandFlags() []pflag.Flag {
	verbFlag := func(short, long string, v verb, usage string) pflag.Flag {
		return pflag.Flag{Name: long, Shorthand: short, Usage: usage, Value: &spelling{verb: v, kind: noOption}}
	}
	daemonFlag := func(long string, v verb, usage string, read func(*draft, string) error) pflag.Flag {
		return pflag.Flag{Name: long, Usage: usage, Value: &spelling{verb: v, kind: noOption, value: "master|backup", read: read}}
	}
	// -l is a second letter for --list. pflag knows one letter for one name, so it
	// gets a name that cannot be typed: a word ends its name at the first =.
	l := verbFlag("l", "=list", list, "")
	l.Hidden = true
	return []pflag.Flag{
		verbFlag("A", "add-service", addService, "add a virtual service"),
		verbFlag("E", "edit-service", editService, "replace its settings; those not given return to their defaults"),
		verbFlag("D", "delete-service", deleteService, "remove a service and its servers"),
		verbFlag("C", "clear", flush, "remove all services"),
		verbFlag("a", "add-server", addServer, "add a real server to a service"),
		verbFlag("e", "edit-server", editServer, "replace its settings; those not given return to their defaults"),
		verbFlag("d", "delete-server", deleteServer, "remove a server from its service"),
		verbFlag("L", "list", list, "list the table, one service or what an option asks for; also -l"),
		l,
		verbFlag("Z", "zero", zero, "reset the counters of one service or of all"),
		verbFlag("S", "save", save, "print the table as commands"),
		verbFlag("R", "restore", restore, "carry out the commands on standard input"),
		verbFlag("", "set", setTimeouts, "followed by three timeouts in seconds, tcp tcpfin udp; 0 keeps one"),
		daemonFlag("start-daemon", startDaemon, "start a connection synchronisation daemon", (*draft).startDaemon),
		daemonFlag("stop-daemon", stopDaemon, "stop it", (*draft).stopDaemon),
		verbFlag("h", "help", help, "show this text"),
		verbFlag("v", "version", version, "show the version"),
	}
}

// valued is an option with a value, plain one without.
func valued(short, long string, kind option, value, usage string, read func(*draft, string) error) pflag.Flag {
	return pflag.Flag{Name: long, Shorthand: short, Usage: usage, Value: &spelling{kind: kind, value: value, read: read}}
}

func plain(short, long string, kind option, usage string, read func(*draft)) pflag.Flag {
	s := &spelling{kind: kind}
	if read != nil {
		s.read = func(d *draft, _ string) error { read(d); return nil }
	}
	return pflag.Flag{Name: long, Shorthand: short, Usage: usage, Value: s}
}

func serviceFlags() []pflag.Flag {
	persistent := valued("p", "persistent", optPersistent, "seconds", "keep a client with its server for so long", (*draft).persistent)
	persistent.NoOptDefVal = "360" // scan takes it where no value is given
	ipv6 := plain("6", "ipv6", noOption, "after -f: the mark is on IPv6 packets", nil)
	spellingOf(&ipv6).read = (*draft).ipv6
	return []pflag.Flag{
		valued("t", "tcp-service", optService, "host:port", "virtual service over TCP", (*draft).tcpService),
		valued("u", "udp-service", optService, "host:port", "virtual service over UDP", (*draft).udpService),
		valued("", "sctp-service", optService, "host:port", "virtual service over SCTP", (*draft).sctpService),
		valued("f", "fwmark-service", optService, "mark", "virtual service of packets with a firewall mark", (*draft).fwmarkService),
		ipv6,
		valued("s", "scheduler", optScheduler, "name", "how to choose a server (default wlc)", (*draft).scheduler),
		valued("b", "sched-flags", optSchedFlags, "flags", "the scheduler's flags, separated by commas", (*draft).schedulerFlags),
		persistent,
		valued("M", "netmask", optNetmask, "mask", "clients that count as one: 255.255.255.0, /24, for IPv6 64 or /64", (*draft).persistenceMask),
		valued("", "pe", optPE, "engine", "persistence engine, such as sip", (*draft).engine),
		plain("o", "ops", optOnePacket, "schedule every UDP packet by itself", (*draft).onePacket),
	}
}

func serverFlags() []pflag.Flag {
	return []pflag.Flag{
		valued("r", "real-server", optServer, "host:port", "the server; its port is by default that of the service", (*draft).realServer),
		plain("g", "gatewaying", optForward, "forward by direct routing (default)", (*draft).route),
		plain("i", "ipip", optForward, "forward through a tunnel", (*draft).tunnel),
		plain("m", "masquerading", optForward, "forward by address translation (NAT)", (*draft).masquerade),
		valued("w", "weight", optWeight, "n", "the server's share; 0 gives it no new connections (default 1)", (*draft).serverWeight),
		valued("x", "u-threshold", optUpper, "n", "no new connections from this many on; 0 for no limit", (*draft).upperThreshold),
		valued("y", "l-threshold", optLower, "n", "new connections again below this many", (*draft).lowerThreshold),
		valued("", "tun-type", optTunType, "type", "with -i: ipip, gue or gre (default ipip)", (*draft).tunnelType),
		valued("", "tun-port", optTunPort, "port", "UDP port of a gue tunnel", (*draft).tunnelPort),
		plain("", "tun-nocsum", optTunNoCsum, "gue and gre: no checksum (default)", nil),
		plain("", "tun-csum", optTunCsum, "gue and gre: with checksum", nil),
		plain("", "tun-remcsum", optTunRemCsum, "gue: remote checksum offload", nil),
	}
}

func listFlags() []pflag.Flag {
	return []pflag.Flag{
		plain("n", "numeric", optNumeric, "addresses and ports as numbers; also with -S", nil),
		plain("c", "connection", optConnection, "the connections", nil),
		plain("", "timeout", optTimeout, "the timeouts", nil),
		plain("", "daemon", optDaemon, "the synchronisation daemons", nil),
		plain("", "stats", optStats, "counters", nil),
		plain("", "rate", optRate, "counters per second", nil),
		plain("X", "exact", optExact, "counters in full, without K, M, G, T", nil),
		plain("", "thresholds", optThresholds, "connection thresholds of the servers", nil),
		plain("", "persistent-conn", optPersistentConn, "persistent connections of the servers", nil),
		plain("", "tun-info", optTunInfo, "encapsulation of the tunnels", nil),
		plain("", "nosort", optNoSort, "in the kernel's order", nil),
		plain("", "sort", noOption, "sorted (default)", nil),
	}
}

func daemonFlags() []pflag.Flag {
	return []pflag.Flag{
		valued("", "mcast-interface", optInterface, "name", "interface of the multicasts (default eth0)", (*draft).mcastInterface),
		valued("", "syncid", optSyncID, "n", "a daemon hears those with its number, 0 to 255 (default 0)", (*draft).syncID),
		valued("", "sync-maxlen", optMaxLen, "bytes", "longest message, 1 to 65507 (default 1472, less if the MTU is)", (*draft).syncMaxLen),
		valued("", "mcast-group", optGroup, "address", "multicast group (default 224.0.0.81)", (*draft).mcastGroup),
		valued("", "mcast-port", optPort, "port", "UDP port (default 8848)", (*draft).mcastPort),
		valued("", "mcast-ttl", optTTL, "n", "time to live, 1 to 255 (default 1)", (*draft).mcastTTL),
	}
}

package rules

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
	// What 1.31 does not have. They come last, so that its messages stay first.
	optDryRun
	optReplace
	optDrain
	optDrainInactive
	optJSON
	optWatch
	optCount
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
		"dry-run", "replace", "drain", "drain-inactive", "json", "watch", "count",
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

// spelling is one option of the table.
type spelling struct {
	short byte   // its letter, 0 for none
	long  string // its name, "" for none
	verb  verb   // noVerb if it is no command
	kind  option // noOption if nobody judges it
	// value is what the value is, in capitals unless it is the word itself; "" for
	// an option without.
	value string
	// omitted is what stands for a value that is left out; "" if it must be there.
	omitted string
	usage   string
	read    func(d *draft, value string) error // nil where kind says it all
}

// optionGroup is a part of the option table; the help shows one after the other.
type optionGroup struct {
	title   string
	options []spelling
}

// optionTable is every option of ipvsadm. It is data of the program, never
// written: to make it anew took a tenth of a command's start.
var optionTable = [...]optionGroup{
	{"Commands", []spelling{
		{short: 'A', long: "add-service", verb: addService, kind: noOption, usage: "add a virtual service"},
		{short: 'E', long: "edit-service", verb: editService, kind: noOption, usage: "replace its settings; those not given return to their defaults"},
		{short: 'D', long: "delete-service", verb: deleteService, kind: noOption, usage: "remove a service and its servers"},
		{short: 'C', long: "clear", verb: flush, kind: noOption, usage: "remove all services"},
		{short: 'a', long: "add-server", verb: addServer, kind: noOption, usage: "add a real server to a service"},
		{short: 'e', long: "edit-server", verb: editServer, kind: noOption, usage: "replace its settings; those not given return to their defaults"},
		{short: 'd', long: "delete-server", verb: deleteServer, kind: noOption, usage: "remove a server from its service"},
		{short: 'L', long: "list", verb: list, kind: noOption, usage: "list the table, one service or what an option asks for; also -l"},
		{short: 'l', verb: list, kind: noOption},
		{short: 'Z', long: "zero", verb: zero, kind: noOption, usage: "reset the counters of one service or of all"},
		{short: 'S', long: "save", verb: save, kind: noOption, usage: "print the table as commands"},
		{short: 'R', long: "restore", verb: restore, kind: noOption, usage: "carry out the commands on standard input"},
		{long: "set", verb: setTimeouts, kind: noOption, usage: "followed by three timeouts in seconds, tcp tcpfin udp; 0 keeps one"},
		{long: "start-daemon", verb: startDaemon, kind: noOption, value: "master|backup", read: (*draft).startDaemon, usage: "start a connection synchronisation daemon"},
		{long: "stop-daemon", verb: stopDaemon, kind: noOption, value: "master|backup", read: (*draft).stopDaemon, usage: "stop it"},
		{short: 'h', long: "help", verb: help, kind: noOption, usage: "show this text"},
		{short: 'v', long: "version", verb: version, kind: noOption, usage: "show the version"},
	}},
	{"Service options", []spelling{
		{short: 't', long: "tcp-service", kind: optService, value: "HOST:PORT", read: (*draft).tcpService, usage: "virtual service over TCP"},
		{short: 'u', long: "udp-service", kind: optService, value: "HOST:PORT", read: (*draft).udpService, usage: "virtual service over UDP"},
		{long: "sctp-service", kind: optService, value: "HOST:PORT", read: (*draft).sctpService, usage: "virtual service over SCTP"},
		{short: 'f', long: "fwmark-service", kind: optService, value: "MARK", read: (*draft).fwmarkService, usage: "virtual service of packets with a firewall mark"},
		{short: '6', long: "ipv6", kind: noOption, read: (*draft).ipv6, usage: "after -f: the mark is on IPv6 packets"},
		{short: 's', long: "scheduler", kind: optScheduler, value: "NAME", read: (*draft).scheduler, usage: "how to choose a server (default wlc)"},
		{short: 'b', long: "sched-flags", kind: optSchedFlags, value: "FLAGS", read: (*draft).schedulerFlags, usage: "the scheduler's flags, separated by commas"},
		{short: 'p', long: "persistent", kind: optPersistent, value: "SECONDS", omitted: "360", read: (*draft).persistent, usage: "keep a client with its server for so long"},
		{short: 'M', long: "netmask", kind: optNetmask, value: "MASK", read: (*draft).persistenceMask, usage: "clients that count as one: 255.255.255.0, /24, for IPv6 64 or /64"},
		{long: "pe", kind: optPE, value: "ENGINE", read: (*draft).engine, usage: "persistence engine, such as sip"},
		{short: 'o', long: "ops", kind: optOnePacket, read: (*draft).onePacket, usage: "schedule every UDP packet by itself"},
	}},
	{"Server options", []spelling{
		{short: 'r', long: "real-server", kind: optServer, value: "HOST:PORT", read: (*draft).realServer, usage: "the server; its port is by default that of the service"},
		{short: 'g', long: "gatewaying", kind: optForward, read: (*draft).route, usage: "forward by direct routing (default)"},
		{short: 'i', long: "ipip", kind: optForward, read: (*draft).tunnel, usage: "forward through a tunnel"},
		{short: 'm', long: "masquerading", kind: optForward, read: (*draft).masquerade, usage: "forward by address translation (NAT)"},
		{short: 'w', long: "weight", kind: optWeight, value: "N", read: (*draft).serverWeight, usage: "the server's share; 0 gives it no new connections (default 1)"},
		{short: 'x', long: "u-threshold", kind: optUpper, value: "N", read: (*draft).upperThreshold, usage: "no new connections from this many on; 0 for no limit"},
		{short: 'y', long: "l-threshold", kind: optLower, value: "N", read: (*draft).lowerThreshold, usage: "new connections again below this many"},
		{long: "tun-type", kind: optTunType, value: "TYPE", read: (*draft).tunnelType, usage: "with -i: ipip, gue or gre (default ipip)"},
		{long: "tun-port", kind: optTunPort, value: "PORT", read: (*draft).tunnelPort, usage: "UDP port of a gue tunnel"},
		{long: "tun-nocsum", kind: optTunNoCsum, usage: "gue and gre: no checksum (default)"},
		{long: "tun-csum", kind: optTunCsum, usage: "gue and gre: with checksum"},
		{long: "tun-remcsum", kind: optTunRemCsum, usage: "gue: remote checksum offload"},
	}},
	{"Listing options", []spelling{
		{short: 'n', long: "numeric", kind: optNumeric, usage: "addresses and ports as numbers; also with -S"},
		{short: 'c', long: "connection", kind: optConnection, usage: "the connections"},
		{long: "timeout", kind: optTimeout, usage: "the timeouts"},
		{long: "daemon", kind: optDaemon, usage: "the synchronisation daemons"},
		{long: "stats", kind: optStats, usage: "counters"},
		{long: "rate", kind: optRate, usage: "counters per second"},
		{short: 'X', long: "exact", kind: optExact, usage: "counters in full, without K, M, G, T"},
		{long: "thresholds", kind: optThresholds, usage: "connection thresholds of the servers"},
		{long: "persistent-conn", kind: optPersistentConn, usage: "persistent connections of the servers"},
		{long: "tun-info", kind: optTunInfo, usage: "encapsulation of the tunnels"},
		{long: "nosort", kind: optNoSort, usage: "in the kernel's order"},
		{long: "sort", kind: noOption, usage: "sorted (default)"},
	}},
	{"Daemon options", []spelling{
		{long: "mcast-interface", kind: optInterface, value: "NAME", read: (*draft).mcastInterface, usage: "interface of the multicasts (default eth0)"},
		{long: "syncid", kind: optSyncID, value: "N", read: (*draft).syncID, usage: "a daemon hears those with its number, 0 to 255 (default 0)"},
		{long: "sync-maxlen", kind: optMaxLen, value: "BYTES", read: (*draft).syncMaxLen, usage: "longest message, 1 to 65507 (default 1472, less if the MTU is)"},
		{long: "mcast-group", kind: optGroup, value: "ADDRESS", read: (*draft).mcastGroup, usage: "multicast group (default 224.0.0.81)"},
		{long: "mcast-port", kind: optPort, value: "PORT", read: (*draft).mcastPort, usage: "UDP port (default 8848)"},
		{long: "mcast-ttl", kind: optTTL, value: "N", read: (*draft).mcastTTL, usage: "time to live, 1 to 255 (default 1)"},
	}},
	{"Not in ipvsadm 1.31", []spelling{
		{long: "dry-run", kind: optDryRun, usage: "with a command that changes something: show what would change, change nothing"},
		{long: "replace", kind: optReplace, value: "services", omitted: "all", read: (*draft).replaceWhat, usage: "with -R: make the table what the stream says, in place; \"services\" leaves those alone that it does not name"},
		{long: "drain", kind: optDrain, value: "SECONDS", omitted: "300", read: (*draft).drainFor, usage: "with -d, -e: weight 0, then wait until the connections are gone, but no longer than this; 0 for ever; also 5m, 1h"},
		{long: "drain-inactive", kind: optDrainInactive, usage: "with --drain: wait for inactive connections and persistent clients too"},
		{long: "json", kind: optJSON, usage: "with -L: print JSON; with -R: read it"},
		{long: "watch", kind: optWatch, value: "SECONDS", omitted: "1", read: (*draft).watchEvery, usage: "with -L: a live view, renewed this often"},
		{long: "count", kind: optCount, value: "N", read: (*draft).watchCount, usage: "with --watch: end after so many views"},
	}},
}

// findLong returns the option with a long name, nil if there is none.
func findLong(name string) *spelling {
	return find(func(s *spelling) bool { return s.long == name && name != "" })
}

// findShort returns the option with a letter, nil if there is none.
func findShort(letter byte) *spelling {
	return find(func(s *spelling) bool { return s.short == letter && letter != 0 })
}

func find(match func(*spelling) bool) *spelling {
	for i := range optionTable {
		for j := range optionTable[i].options {
			if s := &optionTable[i].options[j]; match(s) {
				return s
			}
		}
	}
	return nil
}

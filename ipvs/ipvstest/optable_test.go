package ipvstest_test

import (
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"ipvsadm/ipvs"
	"ipvsadm/ipvs/ipvstest"
)

// step is an operation and the errno it must return, 0 for success.
type step struct {
	op   ipvs.Op
	want syscall.Errno
}

// scenario is a row of the op table: steps from an empty table. It states what
// the real kernel does; the fake alone is held to it in TestOpTable and both
// together in TestOpTableOnRealKernel.
type scenario struct {
	name  string
	steps []step
}

func ok(op ipvs.Op) step { return step{op, 0} }

func TestOpTable(t *testing.T) {
	for _, sc := range opTable(tableLimits{wideThresholds: false, hz: 100}) {
		t.Run(sc.name, func(t *testing.T) {
			k := ipvstest.New(ipvstest.Options{})
			for i, s := range sc.steps {
				if got := do(k, s.op); got != s.want {
					t.Fatalf("step %d, %#v: %v, want %v\ntable before:\n%s", i, s.op, errnoText(got), errnoText(s.want), k)
				}
			}
		})
	}
}

// tableLimits are the two facts that differ between kernels of one version.
type tableLimits struct {
	wideThresholds bool
	hz             uint32
}

// opTable returns every operation with every errno the kernel can give it, and
// with the values on both sides of every limit.
func opTable(l tableLimits) []scenario {
	return slices.Concat(
		serviceTable(), flagTable(l), editServiceTable(), deleteTable(),
		serverTable(l), editServerTable(l), addressTable(), mixedTable(),
		timeoutTable(l), daemonTable(),
	)
}

var (
	web    = tcp("10.0.0.1:80")
	web6   = tcp("[2001:db8::1]:80")
	marked = mark(ipvs.IPv4, 7)
)

func serviceTable() []scenario {
	unknown := ipvs.ServiceKey{Family: 7, Protocol: ipvs.TCP, Addr: addr("10.0.0.1:80")}
	var schedulers []step
	for i, name := range []string{"rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "sed", "nq", "fo", "ovf", "mh", "none", ""} {
		k := ipvs.ServiceKey{Family: ipvs.IPv4, Protocol: ipvs.TCP, Addr: netip.AddrPortFrom(netip.MustParseAddr("10.0.0.1"), uint16(i+1))}
		schedulers = append(schedulers, ok(add(k, scheduler(name))))
	}
	var protocols []step
	for _, p := range []ipvs.Protocol{0, 1, 6, 17, 33, 50, 51, 58, 132, 136, 255, 256, 262, 65535} {
		protocols = append(protocols, ok(add(key(p, "10.0.0.1:80"))), step{add(key(p, "10.0.0.1:80")), syscall.EEXIST})
	}
	return []scenario{
		{"a service is added once", []step{ok(add(web)), {add(web), syscall.EEXIST}, {add(web, scheduler("wlc")), syscall.EEXIST}}},
		{"family, protocol, address and port each make a service", []step{
			ok(add(web)), ok(add(udp("10.0.0.1:80"))), ok(add(tcp("10.0.0.2:80"))), ok(add(tcp("10.0.0.1:81"))),
			ok(add(key(ipvs.SCTP, "10.0.0.1:80"))), ok(add(web6)), ok(add(marked)),
		}},
		{"a mark is one service for each family", []step{
			ok(add(marked)), {add(marked), syscall.EEXIST}, ok(add(mark(ipvs.IPv6, 7))), {add(mark(ipvs.IPv6, 7)), syscall.EEXIST},
			ok(add(mark(ipvs.IPv4, 1))), ok(add(mark(ipvs.IPv4, 0xffffffff))), ok(add(mark(ipvs.IPv4, 0x80000001))),
		}},
		{"any protocol number is stored", protocols},
		{"any address and port serves as a virtual one", []step{
			ok(add(tcp("0.0.0.0:80"))), ok(add(tcp("255.255.255.255:80"))), ok(add(tcp("224.0.0.1:80"))), ok(add(tcp("127.255.255.255:80"))),
			ok(add(tcp("[::]:80"))), ok(add(tcp("[ff02::1]:80"))), ok(add(tcp("[fe80::1]:80"))), ok(add(tcp("[::ffff:10.0.0.1]:80"))),
			ok(add(tcp("10.0.0.1:0"))), ok(add(tcp("10.0.0.1:65535"))), ok(add(tcp("0.0.0.0:0"))), ok(add(tcp("[::]:0"))),
		}},
		{"an IPv4-mapped address is not the IPv4 one", []step{ok(add(tcp("10.0.0.1:80"))), ok(add(tcp("[::ffff:10.0.0.1]:80")))}},
		{"an unknown family is refused", []step{
			{add(unknown), syscall.EAFNOSUPPORT}, {edit(unknown), syscall.EAFNOSUPPORT}, {remove(unknown), syscall.EAFNOSUPPORT},
			{ipvs.Zero{Service: unknown}, syscall.EAFNOSUPPORT}, {addServer(unknown, "10.0.0.2:80"), syscall.EAFNOSUPPORT},
			{editServer(unknown, "10.0.0.2:80"), syscall.EAFNOSUPPORT}, {removeServer(unknown, "10.0.0.2:80"), syscall.EAFNOSUPPORT},
			{add(mark(0, 7)), syscall.EAFNOSUPPORT}, {add(mark(7, 7)), syscall.EAFNOSUPPORT},
		}},
		{"every scheduler", schedulers},
		{"an unknown scheduler is not found", []step{
			{add(web, scheduler("nosuch")), syscall.ENOENT}, {add(web, scheduler("RR")), syscall.ENOENT}, {add(web, scheduler("r r")), syscall.ENOENT},
			{add(web, scheduler("None")), syscall.ENOENT}, {add(web, scheduler("abcdefghijklmno")), syscall.ENOENT}, ok(add(web)),
		}},
		{"a scheduler's name has at most 15 bytes", []step{{add(web, scheduler("abcdefghijklmnop")), syscall.EINVAL}}},
		{"the length of names comes before everything", []step{
			ok(add(web)), {add(web, scheduler("abcdefghijklmnop")), syscall.EINVAL}, {add(web, engine(strings.Repeat("x", 17))), syscall.EINVAL},
			{edit(tcp("10.0.0.2:80"), scheduler("abcdefghijklmnop")), syscall.EINVAL},
			{add(mark(7, 7), scheduler("abcdefghijklmnop")), syscall.EINVAL},
		}},
		{"that a service exists comes before its scheduler, engine and netmask", []step{
			ok(add(web)), {add(web, scheduler("nosuch")), syscall.EEXIST}, {add(web, engine("nosuch")), syscall.EEXIST},
			ok(add(web6)), {add(web6, netmask(0)), syscall.EEXIST},
		}},
		{"persistence engines", []step{
			ok(add(web, engine("sip"))), ok(add(udp("10.0.0.1:5060"), engine("sip"), persistent(60))), ok(add(web6, engine("sip"))),
			{add(tcp("10.0.0.2:80"), engine("nosuch")), syscall.ENOENT}, {add(tcp("10.0.0.2:80"), engine("SIP")), syscall.ENOENT},
			{add(tcp("10.0.0.2:80"), engine("abcdefghijklmnop")), syscall.ENOENT},
			{add(tcp("10.0.0.2:80"), engine("abcdefghijklmnopq")), syscall.EINVAL},
		}},
		{"scheduler and engine come before the netmask", []step{
			{add(web6, scheduler("nosuch"), netmask(0)), syscall.ENOENT}, {add(web6, engine("nosuch"), netmask(129)), syscall.ENOENT},
		}},
		{"an IPv6 prefix has 1 to 128 bits", []step{
			{add(web6, netmask(0)), syscall.EINVAL}, {add(web6, netmask(129)), syscall.EINVAL}, {add(web6, netmask(0xffffffff)), syscall.EINVAL},
			ok(add(web6, netmask(1))), ok(add(tcp("[2001:db8::1]:81"), netmask(128))), ok(add(mark(ipvs.IPv6, 1), netmask(64))),
			{add(mark(ipvs.IPv6, 2), netmask(0)), syscall.EINVAL},
		}},
		{"an IPv4 netmask is any number", []step{
			ok(add(web, netmask(0))), ok(add(tcp("10.0.0.2:80"), netmask(0xffffff00))), ok(add(tcp("10.0.0.3:80"), netmask(64))),
			ok(add(tcp("10.0.0.4:80"), netmask(0xff00ff00))), ok(add(marked, netmask(129))),
		}},
	}
}

func flagTable(l tableLimits) []scenario {
	wrap := uint32((1<<32)/uint64(l.hz)) + 1 // the first second whose jiffies wrap
	return []scenario{
		{"every flag bit is stored", []step{
			ok(add(web, flags(ipvs.Persistent|ipvs.OnePacket|ipvs.SchedFlags))), ok(add(tcp("10.0.0.2:80"), flags(0xffff))),
			ok(add(tcp("10.0.0.3:80"), flags(0xffffffff))), ok(add(tcp("10.0.0.4:80"), flags(ipvs.Hashed))), ok(add(tcp("10.0.0.5:80"), flags(0))),
		}},
		{"an edit clears flags", []step{ok(add(web, flags(0xffff))), ok(edit(web, flags(ipvs.SchedFlag2))), ok(edit(web, flags(0)))}},
		{"persistence timeouts wrap in jiffies", []step{
			ok(add(web, persistent(0))), ok(edit(web, persistent(1))), ok(edit(web, persistent(2678400))),
			ok(edit(web, persistent(wrap-1))), ok(edit(web, persistent(wrap))), ok(edit(web, persistent(wrap+1))),
			ok(edit(web, persistent(0x7fffffff))), ok(edit(web, persistent(0xffffffff))),
		}},
		{"a timeout is kept without persistence", []step{ok(add(web, persistent(360), flags(0)))}},
	}
}

func editServiceTable() []scenario {
	return []scenario{
		{"an edit replaces everything", []step{
			ok(add(web, scheduler("sh"), persistent(60), netmask(0xffffff00), engine("sip"))), ok(edit(web, scheduler("wlc"))),
			ok(edit(web, scheduler("none"))), ok(edit(web, scheduler(""))), ok(edit(web)), ok(edit(web)),
		}},
		{"an edit keeps real servers and place", []step{
			ok(add(web)), ok(add(tcp("10.0.1.0:80"))), ok(addServer(web, "10.0.0.2:80")), ok(edit(web, scheduler("mh"))),
		}},
		{"an edit of what is not there", []step{
			{edit(web), syscall.ESRCH}, {edit(web, scheduler("nosuch")), syscall.ESRCH}, {edit(web6, netmask(0)), syscall.ESRCH},
			{edit(marked), syscall.ESRCH}, ok(add(marked)), {edit(mark(ipvs.IPv6, 7)), syscall.ESRCH},
		}},
		{"a refused edit changes nothing", []step{
			ok(add(web6, scheduler("sh"), persistent(60), engine("sip"))),
			{edit(web6, scheduler("nosuch")), syscall.ENOENT}, {edit(web6, engine("nosuch")), syscall.ENOENT},
			{edit(web6, netmask(0)), syscall.EINVAL}, {edit(web6, netmask(129), scheduler("rr")), syscall.EINVAL},
			{edit(web6, netmask(129), scheduler("nosuch")), syscall.ENOENT},
			{edit(web6, scheduler("abcdefghijklmnop")), syscall.EINVAL}, {edit(web6, engine(strings.Repeat("x", 17))), syscall.EINVAL},
		}},
	}
}

func deleteTable() []scenario {
	return []scenario{
		{"a service is deleted once", []step{
			ok(add(web)), ok(addServer(web, "10.0.0.2:80")), ok(remove(web)), {remove(web), syscall.ESRCH},
			{addServer(web, "10.0.0.2:80"), syscall.ESRCH}, ok(add(web)),
		}},
		{"deleting what is not there", []step{{remove(web), syscall.ESRCH}, {remove(web6), syscall.ESRCH}, {remove(marked), syscall.ESRCH}}},
		{"flush empties both tables", []step{
			ok(ipvs.Flush{}), ok(add(web)), ok(add(web6)), ok(add(marked)), ok(addServer(web, "10.0.0.2:80")), ok(ipvs.Flush{}),
			{remove(web), syscall.ESRCH}, {remove(marked), syscall.ESRCH}, ok(ipvs.Flush{}),
		}},
		{"zero needs the service it names", []step{
			ok(ipvs.Zero{}), {ipvs.Zero{Service: web}, syscall.ESRCH}, {ipvs.Zero{Service: marked}, syscall.ESRCH}, ok(add(web)),
			ok(addServer(web, "10.0.0.2:80")), ok(ipvs.Zero{Service: web}), ok(ipvs.Zero{}),
			{ipvs.Zero{Service: tcp("0.0.0.0:0")}, syscall.ESRCH},
		}},
		{"the newest of a bucket comes first", []step{
			// All of these hash alike: last byte of the address, protocol and port.
			ok(add(tcp("10.0.0.1:80"))), ok(add(tcp("10.0.1.1:80"))), ok(add(tcp("10.1.0.1:80"))), ok(add(tcp("[2001:db8::1]:80"))),
			ok(add(tcp("10.0.0.1:20480"))), ok(remove(tcp("10.0.1.1:80"))), ok(add(tcp("10.0.1.1:80"))), ok(edit(tcp("10.1.0.1:80"))),
			ok(add(mark(ipvs.IPv4, 1))), ok(add(mark(ipvs.IPv4, 257))), ok(add(mark(ipvs.IPv6, 1))), ok(add(mark(ipvs.IPv4, 2))),
		}},
	}
}

func serverTable(l tableLimits) []scenario {
	wide := syscall.Errno(0)
	if !l.wideThresholds {
		wide = syscall.EINVAL
	}
	var methods []step
	for f := ipvs.Forward(0); f <= 9; f++ {
		methods = append(methods, ok(addServer(web, netip.AddrPortFrom(netip.MustParseAddr("10.0.0.2"), uint16(f)).String(), forward(f))))
	}
	return []scenario{
		{"a real server is added once, the newest first", []step{
			ok(add(web)), ok(addServer(web, "10.0.0.2:80")), {addServer(web, "10.0.0.2:80"), syscall.EEXIST},
			{addServer(web, "10.0.0.2:80", forward(ipvs.Route), weight(5)), syscall.EEXIST},
			ok(addServer(web, "10.0.0.2:81")), ok(addServer(web, "10.0.0.3:80")), ok(removeServer(web, "10.0.0.2:80")), ok(addServer(web, "10.0.0.2:80")),
		}},
		{"a real server without its service", []step{
			{addServer(web, "10.0.0.2:80"), syscall.ESRCH}, {editServer(web, "10.0.0.2:80"), syscall.ESRCH}, {removeServer(web, "10.0.0.2:80"), syscall.ESRCH},
			{addServer(web, "0.0.0.0:80"), syscall.ESRCH}, {addServer(marked, "10.0.0.2:80"), syscall.ESRCH},
		}},
		{"deleting a real server that is not there", []step{
			ok(add(web)), {removeServer(web, "10.0.0.2:80"), syscall.ENOENT}, ok(addServer(web, "10.0.0.2:80")),
			{removeServer(web, "10.0.0.2:81"), syscall.ENOENT}, {removeServer(web, "[2001:db8::2]:80"), syscall.ENOENT},
			{removeServer(web, "0.0.0.0:0"), syscall.ENOENT},
			ok(removeServer(web, "10.0.0.2:80")), {removeServer(web, "10.0.0.2:80"), syscall.ENOENT},
		}},
		{"all eight forwarding methods", append([]step{ok(add(web))}, append(methods,
			step{addServer(web, "10.0.0.2:8"), syscall.EEXIST})...)},
		{"the port of a direct server need not be the service's", []step{
			ok(add(web)), ok(addServer(web, "10.0.0.2:81", forward(ipvs.Route))), ok(addServer(web, "10.0.0.2:0", forward(ipvs.Tunnel))),
			ok(addServer(web, "10.0.0.2:65535", forward(ipvs.LocalNode))),
		}},
		{"weights reach 2147483647", []step{
			ok(add(web)), ok(addServer(web, "10.0.0.2:80", weight(0))), ok(addServer(web, "10.0.0.3:80", weight(65536))),
			ok(addServer(web, "10.0.0.4:80", weight(0x7fffffff))),
			{addServer(web, "10.0.0.5:80", weight(0x80000000)), syscall.ERANGE}, {addServer(web, "10.0.0.5:80", weight(0xffffffff)), syscall.ERANGE},
		}},
		{"the lower threshold stays at or below the upper", []step{
			ok(add(web)), ok(addServer(web, "10.0.0.2:80", thresholds(5, 5))), ok(addServer(web, "10.0.0.3:80", thresholds(5, 0))),
			ok(addServer(web, "10.0.0.4:80", thresholds(0x7fffffff, 0x7fffffff))),
			{addServer(web, "10.0.0.5:80", thresholds(5, 6)), syscall.ERANGE}, {addServer(web, "10.0.0.5:80", thresholds(0, 1)), syscall.ERANGE},
			{addServer(web, "10.0.0.5:80", thresholds(0x80000000, 0xffffffff)), syscall.ERANGE},
			{addServer(web, "10.0.0.5:80", thresholds(0x80000000, 0)), wide}, {addServer(web, "10.0.0.6:80", thresholds(0xffffffff, 0xffffffff)), wide},
		}},
		{"tunnels", []step{
			ok(add(web)), ok(addServer(web, "10.0.0.2:80", tunnel(ipvs.IPIP, 0, 0))), ok(addServer(web, "10.0.0.3:80", tunnel(ipvs.GUE, 6080, 0))),
			ok(addServer(web, "10.0.0.4:80", tunnel(ipvs.GUE, 1, ipvs.TunnelCsum))), ok(addServer(web, "10.0.0.5:80", tunnel(ipvs.GUE, 65535, 3))),
			ok(addServer(web, "10.0.0.6:80", tunnel(ipvs.GRE, 0, ipvs.TunnelCsum))), ok(addServer(web, "10.0.0.7:80", tunnel(ipvs.GRE, 6080, 0xffff))),
			ok(addServer(web, "10.0.0.8:80", tunnel(3, 0, 0))), ok(addServer(web, "10.0.0.9:80", tunnel(255, 7, 7))), ok(addServer(web, "10.0.0.10:80", tunnel(ipvs.IPIP, 6080, 1))),
			{addServer(web, "10.0.0.11:80", tunnel(ipvs.GUE, 0, 0)), syscall.EINVAL},
			{addServer(web, "10.0.0.11:80", tunnel(ipvs.GUE, 0, 0), forward(ipvs.Masq)), syscall.EINVAL},
			ok(addServer(web, "10.0.0.11:80", tunnel(ipvs.GUE, 6080, 3), forward(ipvs.Masq))),
		}},
		{"which refusal wins when adding", []step{
			ok(add(web)), ok(addServer(web, "10.0.0.2:80")),
			{addServer(web, "10.0.0.2:80", weight(0x80000000)), syscall.ERANGE}, {addServer(web, "10.0.0.2:80", thresholds(0, 1)), syscall.ERANGE},
			{addServer(web, "10.0.0.2:80", tunnel(ipvs.GUE, 0, 0)), syscall.EINVAL},
			{addServer(web, "10.0.0.2:80", tunnel(ipvs.GUE, 0, 0), thresholds(0, 1)), syscall.ERANGE},
			{addServer(web, "0.0.0.0:80", weight(0x80000000)), syscall.ERANGE}, {addServer(web, "[2001:db8::2]:80", weight(0x80000000)), syscall.EINVAL},
		}},
		{"servers of marks", []step{
			ok(add(marked)), ok(addServer(marked, "10.0.0.2:0")), ok(addServer(marked, "10.0.0.2:80")), {addServer(marked, "10.0.0.2:0"), syscall.EEXIST},
			ok(add(mark(ipvs.IPv6, 7))), ok(addServer(mark(ipvs.IPv6, 7), "[2001:db8::2]:0")), ok(removeServer(marked, "10.0.0.2:0")),
		}},
	}
}

func editServerTable(l tableLimits) []scenario {
	wide := syscall.Errno(0)
	if !l.wideThresholds {
		wide = syscall.EINVAL
	}
	return []scenario{
		{"an edit replaces everything of a real server and keeps its place", []step{
			ok(add(web)), ok(addServer(web, "10.0.0.2:80", tunnel(ipvs.GUE, 6080, 1), weight(9), thresholds(9, 3))), ok(addServer(web, "10.0.0.3:80")),
			ok(editServer(web, "10.0.0.2:80")), ok(editServer(web, "10.0.0.2:80", weight(0))), ok(editServer(web, "10.0.0.2:80", forward(ipvs.Route))),
			ok(editServer(web, "10.0.0.2:80", tunnel(ipvs.GRE, 0, 1))), ok(editServer(web, "10.0.0.2:80", forward(7))),
		}},
		{"an edit of a real server that is not there", []step{
			ok(add(web)), {editServer(web, "10.0.0.2:80"), syscall.ENOENT}, ok(addServer(web, "10.0.0.2:80")), {editServer(web, "10.0.0.2:81"), syscall.ENOENT},
			{editServer(web, "0.0.0.0:80"), syscall.ENOENT},
			{editServer(web, "[2001:db8::2]:80", tunnel(ipvs.IPIP, 0, 0)), syscall.ENOENT}, {editServer(web, "[2001:db8::2]:80"), syscall.EINVAL},
		}},
		{"a refused edit of a real server changes nothing", []step{
			ok(add(web)), ok(addServer(web, "10.0.0.2:80", weight(5), thresholds(9, 3))),
			{editServer(web, "10.0.0.2:80", weight(0x80000000)), syscall.ERANGE}, {editServer(web, "10.0.0.2:80", thresholds(1, 2)), syscall.ERANGE},
			{editServer(web, "10.0.0.2:80", tunnel(ipvs.GUE, 0, 0)), syscall.EINVAL},
			{editServer(web, "10.0.0.3:80", weight(0x80000000)), syscall.ERANGE}, {editServer(web, "10.0.0.3:80", tunnel(ipvs.GUE, 0, 0)), syscall.EINVAL},
			{editServer(web, "10.0.0.2:80", thresholds(0x80000000, 1)), wide},
		}},
	}
}

// addressTable is what the kernel thinks of addresses in a fresh namespace.
func addressTable() []scenario {
	steps4, steps6 := []step{ok(add(web))}, []step{ok(add(web6))}
	for a, want := range map[string]syscall.Errno{
		"0.0.0.0": syscall.EINVAL, "0.0.0.1": 0, "0.255.255.255": 0, "1.0.0.0": 0, "9.255.255.255": 0,
		"10.0.0.0": 0, "10.0.0.255": 0, "10.255.255.255": 0, "126.255.255.255": 0, "127.0.0.0": 0, "127.0.0.1": 0, "127.1.2.3": 0,
		"127.255.255.254": 0, "127.255.255.255": syscall.EINVAL, "128.0.0.0": 0, "223.255.255.255": 0, "224.0.0.0": syscall.EINVAL,
		"224.0.0.1": syscall.EINVAL, "239.255.255.255": syscall.EINVAL, "240.0.0.0": 0, "255.255.255.254": 0, "255.255.255.255": syscall.EINVAL,
	} {
		steps4 = append(steps4, step{addServer(web, a+":80"), want}, step{removeServer(web, a+":80"), missing(want)})
	}
	for a, want := range map[string]syscall.Errno{
		"::": syscall.EINVAL, "::1": 0, "::2": 0, "::10.0.0.2": 0, "::ffff:10.0.0.2": syscall.EINVAL, "::ffff:127.0.0.1": syscall.EINVAL, "::fffe:10.0.0.2": 0,
		"0:0:0:1::": 0, "64:ff9b::10.0.0.2": 0, "2001:db8::2": 0, "fc00::1": 0, "fdff::1": 0, "fe00::1": 0, "fe7f:ffff::1": 0, "fe80::1": syscall.EINVAL,
		"febf:ffff::1": syscall.EINVAL, "fec0::1": 0, "feff::1": 0, "ff00::": syscall.EINVAL, "ff02::1": syscall.EINVAL, "ffff::1": syscall.EINVAL,
	} {
		steps6 = append(steps6, step{addServer(web6, "["+a+"]:80"), want}, step{removeServer(web6, "["+a+"]:80"), missing(want)})
	}
	return []scenario{{"addresses of IPv4 servers", steps4}, {"addresses of IPv6 servers", steps6}}
}

// missing is what deleting a server returns after adding it returned added.
func missing(added syscall.Errno) syscall.Errno {
	if added == 0 {
		return 0
	}
	return syscall.ENOENT
}

func mixedTable() []scenario {
	tun := tunnel(ipvs.IPIP, 0, 0)
	return []scenario{
		{"only tunnels cross from one family to the other", []step{
			ok(add(web)), ok(add(web6)), ok(addServer(web, "[2001:db8::2]:80", tun)), ok(addServer(web6, "10.0.0.2:80", tun)),
			{addServer(web, "[2001:db8::3]:80"), syscall.EINVAL}, {addServer(web, "[2001:db8::3]:80", forward(ipvs.Route)), syscall.EINVAL},
			{addServer(web, "[2001:db8::3]:80", forward(ipvs.LocalNode)), syscall.EINVAL}, {addServer(web6, "10.0.0.3:80", forward(6)), syscall.EINVAL},
			ok(addServer(web6, "10.0.0.3:80", forward(10))), // 10&7 is Tunnel
			{editServer(web, "[2001:db8::2]:80", forward(ipvs.Route)), syscall.EINVAL}, ok(editServer(web, "[2001:db8::2]:80", tun, weight(7))),
			{addServer(web, "[fe80::1]:80", tun), syscall.EINVAL}, {addServer(web6, "0.0.0.0:80", tun), syscall.EINVAL},
			ok(removeServer(web, "[2001:db8::2]:80")),
		}},
		{"no second family while a daemon runs", []step{
			ok(add(web)), ok(start(ipvs.Backup)), {addServer(web, "[2001:db8::2]:80", tun), syscall.EINVAL}, ok(addServer(web, "10.0.0.2:80")),
			ok(stop(ipvs.Backup)), ok(addServer(web, "[2001:db8::2]:80", tun)),
		}},
		{"no daemon while there is a second family", []step{
			ok(add(web)), ok(addServer(web, "[2001:db8::2]:80", tun)), {start(ipvs.Master), syscall.EINVAL}, {start(ipvs.Backup), syscall.EINVAL},
			{start(ipvs.Master, on("nosuch")), syscall.EINVAL}, ok(removeServer(web, "[2001:db8::2]:80")), ok(start(ipvs.Master)), ok(stop(ipvs.Master)),
			ok(addServer(web, "[2001:db8::2]:80", tun)), ok(remove(web)), ok(start(ipvs.Master)), ok(stop(ipvs.Master)),
			ok(add(web)), ok(addServer(web, "[2001:db8::2]:80", tun)), ok(ipvs.Flush{}), ok(start(ipvs.Master)),
		}},
	}
}

func timeoutTable(l tableLimits) []scenario {
	most := time.Duration((1<<31-1)/l.hz) * time.Second
	set := func(tcp, fin, udp time.Duration) ipvs.Op {
		return ipvs.SetTimeouts{Timeouts: ipvs.Timeouts{TCP: tcp, TCPFin: fin, UDP: udp}}
	}
	return []scenario{
		{"zero keeps a timeout", []step{
			ok(set(0, 0, 0)), ok(set(7*time.Second, 0, 0)), ok(set(0, 8*time.Second, 0)), ok(set(0, 0, 9*time.Second)), ok(set(time.Second, time.Second, time.Second)),
		}},
		{"timeouts stay below 2^31 jiffies, or none is set", []step{
			ok(set(most, most, most)), {set(most+time.Second, 1*time.Second, 0), syscall.EINVAL}, {set(time.Second, most+time.Second, 0), syscall.EINVAL},
			{set(time.Second, time.Second, most+time.Second), syscall.EINVAL}, ok(set(900*time.Second, 120*time.Second, 300*time.Second)),
			{set(0xffffffff*time.Second, 0, 0), syscall.EINVAL},
		}},
	}
}

func on(name string) func(*ipvs.Daemon) { return func(d *ipvs.Daemon) { d.Interface = name } }

func group(a string) func(*ipvs.Daemon) {
	return func(d *ipvs.Daemon) { d.Group = netip.MustParseAddr(a) }
}

func maxLen(n uint16) func(*ipvs.Daemon) { return func(d *ipvs.Daemon) { d.MaxLen = n } }

func daemonTable() []scenario {
	all := func(d *ipvs.Daemon) {
		d.SyncID, d.MaxLen, d.Port, d.TTL, d.Group = 255, 1000, 9999, 4, netip.MustParseAddr("239.1.1.1")
	}
	lengths := func(s ipvs.DaemonState, g string) []step {
		var steps []step
		for _, n := range []uint16{0, 1, 1023, 1024, 1025, 1472, 65486, 65487, 65488, 65506, 65507, 65508, 65535} {
			steps = append(steps, ok(start(s, group(g), maxLen(n))), ok(stop(s)))
		}
		return steps
	}
	return []scenario{
		{"each daemon runs once", []step{
			{stop(ipvs.Master), syscall.ESRCH}, {stop(ipvs.Backup), syscall.ESRCH}, ok(start(ipvs.Backup)), {start(ipvs.Backup), syscall.EEXIST},
			ok(start(ipvs.Master, all)), {start(ipvs.Master), syscall.EEXIST}, ok(stop(ipvs.Backup)), {stop(ipvs.Backup), syscall.ESRCH},
			ok(start(ipvs.Backup, all)), ok(stop(ipvs.Master)), ok(stop(ipvs.Backup)), ok(start(ipvs.Master)),
		}},
		{"there is no third daemon", []step{
			{start(0), syscall.EINVAL}, {start(3), syscall.EINVAL}, {stop(0), syscall.EINVAL}, {stop(3), syscall.EINVAL}, {start(3, on("nosuch")), syscall.ENODEV},
		}},
		{"a daemon needs an interface", []step{
			{start(ipvs.Master, on("nosuch")), syscall.ENODEV}, {start(ipvs.Backup, on("nosuch")), syscall.ENODEV}, {start(ipvs.Master, on("")), syscall.ENODEV},
			{start(ipvs.Master, on("abcdefghijklmno")), syscall.ENODEV}, {start(ipvs.Master, on("abcdefghijklmnop")), syscall.EINVAL},
			ok(start(ipvs.Master)), {start(ipvs.Master, on("nosuch")), syscall.ENODEV}, {start(ipvs.Master, group("10.0.0.1")), syscall.EINVAL},
		}},
		{"a group is a multicast address", []step{
			{start(ipvs.Master, group("10.0.0.1")), syscall.EINVAL}, {start(ipvs.Backup, group("2001:db8::1")), syscall.EINVAL},
			{start(ipvs.Backup, group("::ffff:224.0.0.1")), syscall.EINVAL}, {start(ipvs.Master, group("240.0.0.1"), on("nosuch")), syscall.EINVAL},
			ok(start(ipvs.Backup, group("239.255.255.255"))), ok(stop(ipvs.Backup)), ok(start(ipvs.Backup, group("ff02::81"))), ok(stop(ipvs.Backup)),
			{start(ipvs.Master, group("ff02::81")), syscall.ENETUNREACH}, ok(start(ipvs.Master, group("224.0.0.0"))),
		}},
		{"lengths of a master", lengths(ipvs.Master, "224.0.0.81")},
		{"lengths of a backup", lengths(ipvs.Backup, "224.0.0.81")},
		{"lengths of a backup with an IPv6 group", lengths(ipvs.Backup, "ff02::81")},
		{"the kernel keeps any sync id", []step{ok(start(ipvs.Master, func(d *ipvs.Daemon) { d.SyncID = 300 }))}},
		{"flush leaves daemons and timeouts", []step{
			ok(start(ipvs.Master)), ok(ipvs.SetTimeouts{Timeouts: ipvs.Timeouts{UDP: time.Minute}}), ok(ipvs.Flush{}),
		}},
	}
}

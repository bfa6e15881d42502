package schedule

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"ipvsadm/ipvs"
	"ipvsadm/rules"
	"ipvsadm/sched"
)

// sourceOptions say where the table comes from and which service is meant.
type sourceOptions struct {
	tcp, udp, sctp, mark string
	ipv6                 bool
	file, kernel         string
	json                 bool
}

// add declares the options.
func (o *sourceOptions) add(set *pflag.FlagSet) {
	set.StringVarP(&o.tcp, "tcp-service", "t", "", "")
	set.StringVarP(&o.udp, "udp-service", "u", "", "")
	set.StringVar(&o.sctp, "sctp-service", "", "")
	set.StringVarP(&o.mark, "fwmark-service", "f", "", "")
	set.BoolVarP(&o.ipv6, "ipv6", "6", false, "")
	set.StringVar(&o.file, "rules", "", "")
	set.StringVar(&o.kernel, "kernel", "", "")
	set.BoolVar(&o.json, "json", false, "")
}

// words returns the option of the service and its value, as ipvsadm takes them.
func (o *sourceOptions) words(set *pflag.FlagSet) ([]string, error) {
	var words []string
	for _, given := range []struct{ name, option, value string }{
		{"tcp-service", "-t", o.tcp}, {"udp-service", "-u", o.udp}, {"sctp-service", "--sctp-service", o.sctp}, {"fwmark-service", "-f", o.mark},
	} {
		if !set.Changed(given.name) {
			continue
		}
		if words != nil {
			return nil, errors.New("more than one service")
		}
		words = []string{given.option, given.value}
	}
	if words == nil {
		return nil, errors.New("which service? Give -t, -u, --sctp-service or -f")
	}
	if o.ipv6 {
		if words[0] != "-f" {
			return nil, errors.New("-6 goes with -f only")
		}
		words = append(words, "-6")
	}
	return words, nil
}

// source is a service, and how to make models of it.
type source struct {
	key     ipvs.ServiceKey
	service ipvs.Service
	words   []string // that name it
	names   rules.Names
	// ops are what a saved table does, servers what a live one has.
	ops     []ipvs.Op
	live    bool
	servers []ipvs.DestinationState

	generation sched.Generation
	guessed    bool // generation is a guess
	quiescent  bool // net.ipv4.vs.expire_quiescent_template
}

// source finds the service in the table.
func (c *command) source(o *sourceOptions, set *pflag.FlagSet) (*source, error) {
	s := &source{names: c.env.Names}
	version := o.kernel
	if !set.Changed("kernel") {
		version = kernelVersion(c.env.Root)
	}
	var err error
	if s.generation, err = sched.GenerationOf(version); errors.Is(err, sched.ErrNoVersion) && set.Changed("kernel") {
		return nil, fmt.Errorf("--kernel %q is not a version, such as 6.1.176", version)
	}
	s.guessed = err != nil
	if s.words, err = o.words(set); err != nil {
		return nil, err
	}
	op, err := rules.ParseOp(append([]string{"-D"}, s.words...), s.names)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", strings.Join(s.words, " "), err)
	}
	s.key = op.(ipvs.DeleteService).Service
	if set.Changed("rules") {
		err = c.readRules(s, o.file)
	} else {
		s.live = true
		s.quiescent = firstLine(c.env.Root, "proc/sys/net/ipv4/vs/expire_quiescent_template") == "1"
		err = c.readKernel(s)
	}
	return s, err
}

// readKernel takes the service from the kernel's table.
func (c *command) readKernel(s *source) error {
	kernel, err := c.env.Open()
	if err != nil {
		if errors.Is(err, syscall.EPERM) {
			return errors.New("the kernel's table is for root only; --rules FILE takes a saved one")
		}
		return fmt.Errorf("no IPVS in this kernel (%w); --rules FILE takes a saved table", err)
	}
	table, err := kernel.Table(ipvs.Query{Service: s.key, Detail: ipvs.Full})
	if errors.Is(err, syscall.ESRCH) {
		all, err := kernel.Table(ipvs.Query{})
		if err != nil {
			return failure{err}
		}
		var keys []ipvs.ServiceKey
		for i := range all {
			keys = append(keys, all[i].ServiceKey)
		}
		return notThere(s.key, keys)
	}
	if err != nil {
		return failure{err}
	}
	s.service, s.servers = table[0].Service, table[0].Destinations
	return nil
}

// notThere says that a service is not in the table, and what is.
func notThere(key ipvs.ServiceKey, there []ipvs.ServiceKey) error {
	var names []string
	for i, k := range there {
		if i == 5 {
			names = append(names, fmt.Sprintf("and %d more", len(there)-i))
			break
		}
		names = append(names, rules.ServiceText(k))
	}
	if len(names) == 0 {
		names = []string{"nothing"}
	}
	return fmt.Errorf("no service %s in the table, which has %s", rules.ServiceText(key), strings.Join(names, ", "))
}

// readRules takes the service from a saved table; "-" is standard input.
func (c *command) readRules(s *source, name string) error {
	var text []byte
	var err error
	if name == "-" {
		text, err = io.ReadAll(c.env.Stdin)
	} else {
		text, err = c.env.ReadFile(name)
	}
	if err != nil {
		return err
	}
	ops, err := rules.ReadOps(bytes.NewReader(text), c.env.Names)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	var there []ipvs.ServiceKey
	found := false
	for _, op := range ops {
		switch op := op.(type) {
		case ipvs.AddService:
			if there = append(there, op.Service.ServiceKey); op.Service.ServiceKey == s.key {
				s.service, s.ops, found = op.Service, nil, true
			}
		case ipvs.EditService:
			if op.Service.ServiceKey == s.key {
				s.service = op.Service
			}
		case ipvs.DeleteService:
			found = found && op.Service != s.key
		case ipvs.Flush:
			found, there = false, nil
		}
		s.ops = append(s.ops, op)
	}
	if !found {
		return notThere(s.key, there)
	}
	return nil
}

// isIPv6 reports whether the service is of IPv6.
func (s *source) isIPv6() bool { return s.key.Family == ipvs.IPv6 }

// options are those of a model of the service.
func (s *source) options() sched.Options {
	o := sched.Options{
		Flags:           sched.Flags(s.service.Flags & ipvs.SchedFlags),
		IPv6:            s.isIPv6(),
		Generation:      s.generation,
		ExpireQuiescent: s.quiescent,
	}
	if s.service.Flags&ipvs.Persistent != 0 {
		o.Persistent = max(s.service.Timeout, time.Second)
		o.Netmask = s.mask()
	}
	return o
}

// mask returns the netmask of persistence as an address.
func (s *source) mask() netip.Addr {
	if !s.isIPv6() {
		m := s.service.Netmask
		return netip.AddrFrom4([4]byte{byte(m >> 24), byte(m >> 16), byte(m >> 8), byte(m)})
	}
	var m [16]byte
	for i := range m {
		n := min(8, max(0, int(s.service.Netmask)-8*i))
		m[i] = bits.Reverse8(1<<n - 1)
	}
	return netip.AddrFrom16(m)
}

// model makes a model of the service under a scheduler, with the settings of its
// servers but without connections: for a saved table, what the kernel has after
// it was restored.
func (s *source) model(scheduler string, o sched.Options) (*sched.Service, error) {
	var list []sched.Server
	if s.live {
		for i := range s.servers {
			list = append(list, server(&s.servers[i].Destination))
		}
		return sched.New(scheduler, o, list...)
	}
	model, err := sched.New(scheduler, o)
	for _, op := range s.ops {
		if err != nil {
			return nil, err
		}
		switch op := op.(type) {
		case ipvs.AddDestination:
			if op.Service == s.key {
				err = model.Add(server(&op.Destination))
			}
		case ipvs.EditDestination:
			if op.Service == s.key {
				err = model.Update(server(&op.Destination))
			}
		case ipvs.DeleteDestination:
			if op.Service == s.key {
				err = model.Remove(op.Addr)
			}
		}
	}
	return model, err
}

// current makes a model of the service as it is now, connections included.
func (s *source) current(o sched.Options) (*sched.Service, error) {
	if !s.live {
		return s.model(s.service.Scheduler, o)
	}
	o.Used = true
	var list []sched.Server
	for i := range s.servers {
		one := server(&s.servers[i].Destination)
		one.Active, one.Inactive = int(s.servers[i].Active), int(s.servers[i].Inactive)
		list = append(list, one)
	}
	model, err := sched.New(s.service.Scheduler, o, list...)
	if err == nil && o.Persistent == 0 {
		model.Last(s.likelyLast())
	}
	return model, err
}

// likelyLast guesses from the counters of connections whose turn it was last
// under rr: whoever had a turn in this round has had one more than the others. It
// returns the zero AddrPort if the counters do not look like that, which they do
// not after a server has come, gone or been drained. The kernel adds them up every
// two seconds, so they may be late (estimation_timer in ip_vs_est.c).
func (s *source) likelyLast() (last netip.AddrPort) {
	var before *ipvs.DestinationState
	steps := 0
	for i := range s.servers {
		one := &s.servers[i]
		if one.Weight == 0 {
			continue
		}
		if before != nil && one.Stats.Conns != before.Stats.Conns {
			if steps++; before.Stats.Conns != one.Stats.Conns+1 || steps > 1 {
				return netip.AddrPort{}
			}
			last = before.Addr
		}
		before = one
	}
	if steps == 0 && before != nil && before.Stats.Conns > 0 {
		last = before.Addr
	}
	return last
}

// server is a real server as a model has it. Older kernels keep thresholds that
// no number of connections reaches.
func server(d *ipvs.Destination) sched.Server {
	return sched.Server{Addr: d.Addr, Weight: int(d.Weight), Upper: int(min(d.Upper, math.MaxInt32)), Lower: int(min(d.Lower, math.MaxInt32))}
}

// checkScheduler makes sure that the service has a scheduler that is known.
func (s *source) checkScheduler() error {
	if s.service.Scheduler == "" || s.service.Scheduler == "none" {
		return fmt.Errorf("%s has no scheduler: nobody gets its connections", rules.ServiceText(s.key))
	}
	_, err := findScheduler(s.service.Scheduler)
	return err
}

// stream reports whether the connections of the service are active while they
// last. What comes by firewall mark is taken for TCP.
func (s *source) stream() bool { return s.key.Protocol != ipvs.UDP }

// number is an option that is a whole number in a range.
type number struct {
	value     *int
	low, high int
}

// String is the number.
func (n number) String() string { return "" }

// Type is not shown anywhere.
func (n number) Type() string { return "number" }

// Set reads the number.
func (n number) Set(text string) error {
	v, err := strconv.Atoi(text)
	if err != nil || v < n.low || v > n.high {
		return fmt.Errorf("want a whole number from %d to %d", n.low, n.high)
	}
	*n.value = v
	return nil
}

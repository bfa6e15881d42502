package schedule

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"ipvsadm/ipvs"
	"ipvsadm/rules"
	"ipvsadm/sched"
)

const simulateHelp = `Sends made-up connections to a service and shows what each real server gets.

  ipvsadm sched simulate SERVICE --clients N --connections N [options]

SERVICE is one of
  -t, --tcp-service HOST:PORT      --sctp-service HOST:PORT
  -u, --udp-service HOST:PORT      -f, --fwmark-service MARK [-6]

Options:
  --clients N          addresses that connect, each as likely as any other
  --connections N      how many connections they make
  --rate N             so many a second, 1000 if not given
  --duration DIST      how long one lasts: 30s, exp:30s, uniform:10s-50s or
                       endless, which it is if not given
  --destinations N     addresses to connect to, for a service by firewall mark;
                       256 if not given
  --sched NAME[,FLAG]  another scheduler than the service's, with its flags; may
                       be given several times, to compare
  --remove SERVER      then take this server out, and count clients that move
  --add SERVER[,W]     then put this server in, of weight W or 1
  --seed S             other seeds, other clients; 1 if not given
  --rules FILE         take the table from what ipvsadm -S has saved ("-" for
                       standard input)
  --kernel VERSION     take the rules of this kernel, such as 6.1.176
  --json               the figures as one object

Servers begin without connections, and see the same ones under each scheduler.
A connection that has ended stays with its server as inactive for two minutes,
or five by UDP, as in the kernel. Evenness is Jain's index of connections for
each unit of weight: 1 if all have the same, 1/n if one of n has all.
`

// How long the kernel keeps a connection after its last packet, if nobody has
// changed that: ip_vs_proto_tcp.c and ip_vs_proto_udp.c.
const (
	lingerStream   = 2 * time.Minute
	lingerDatagram = 5 * time.Minute
)

// simulateOptions are the words of simulate.
type simulateOptions struct {
	sourceOptions
	clients, connections, rate, destinations int
	duration                                 string
	schedulers, remove, add                  []string
	seed                                     uint64
}

// flags declares the options.
func (o *simulateOptions) flags() *pflag.FlagSet {
	set := pflag.NewFlagSet("simulate", pflag.ContinueOnError)
	o.sourceOptions.add(set)
	set.Var(number{&o.clients, 1, 10_000_000}, "clients", "")
	set.Var(number{&o.connections, 1, 20_000_000}, "connections", "")
	set.Var(number{&o.rate, 1, 1_000_000_000}, "rate", "")
	set.Var(number{&o.destinations, 1, 1_000_000}, "destinations", "")
	set.StringVar(&o.duration, "duration", o.duration, "")
	set.StringArrayVar(&o.schedulers, "sched", nil, "")
	set.StringArrayVar(&o.remove, "remove", nil, "")
	set.StringArrayVar(&o.add, "add", nil, "")
	set.Uint64Var(&o.seed, "seed", 1, "")
	return set
}

// simulate shows what a load does to a service.
func (c *command) simulate(args []string) error {
	o := simulateOptions{rate: 1000, duration: "endless"}
	set := o.flags()
	words, ok, err := c.parse(set, args, simulateHelp)
	if err != nil || !ok {
		return err
	}
	switch {
	case len(words) > 0:
		return unexpected(words[0])
	case o.clients == 0:
		return misuse{errors.New("how many clients? Give --clients N")}
	case o.connections == 0:
		return misuse{errors.New("how many connections? Give --connections N")}
	}
	sim := simulation{options: &o}
	if sim.duration, err = sched.ParseDistribution(o.duration); err != nil {
		return err
	}
	if sim.src, err = c.source(&o.sourceOptions, set); err != nil {
		return err
	}
	if sim.src.key.FWMark == 0 && set.Changed("destinations") {
		return errors.New("--destinations is for services by firewall mark")
	}
	if err := sim.prepare(); err != nil {
		return err
	}
	for _, k := range sim.kinds {
		if err := sim.run(k); err != nil {
			return err
		}
	}
	if o.json {
		return c.reportJSON(&sim)
	}
	c.report(&sim)
	return nil
}

// kind is a scheduler with its flags.
type kind struct {
	name  string
	flags sched.Flags
}

// lines is the name with each flag on a line of its own.
func (k kind) lines() string {
	return strings.Join(append([]string{k.name}, sched.FlagNames(k.name, k.flags)...), "\n")
}

// String is what --sched takes.
func (k kind) String() string { return strings.ReplaceAll(k.lines(), "\n", ",") }

// simulation is a load for a service under one scheduler after the other.
type simulation struct {
	options  *simulateOptions
	src      *source
	duration sched.Distribution
	kinds    []kind
	removed  []netip.AddrPort
	added    []sched.Server
	outcomes []sched.Outcome // of each kind
}

// prepare reads what depends on the service.
func (s *simulation) prepare() error {
	own := kind{s.src.service.Scheduler, s.src.options().Flags}
	if len(s.options.schedulers) == 0 {
		if err := s.src.checkScheduler(); err != nil {
			return err
		}
		s.kinds = []kind{own}
	}
	for _, text := range s.options.schedulers {
		k, err := parseKind(text)
		if err != nil {
			return err
		}
		if k.name == own.name && k.flags == 0 && !strings.Contains(text, ",") {
			k = own
		}
		s.kinds = append(s.kinds, k)
	}
	for _, text := range s.options.remove {
		one, err := s.server(text)
		if err != nil {
			return fmt.Errorf("--remove %s: %w", text, err)
		}
		s.removed = append(s.removed, one.Addr)
	}
	for _, text := range s.options.add {
		text, weight, given := strings.Cut(text, ",")
		if !given {
			weight = "1"
		}
		one, err := s.server(text, "-w", weight)
		if err != nil {
			return fmt.Errorf("--add %s: %w", text, err)
		}
		s.added = append(s.added, one)
	}
	return nil
}

// parseKind reads a scheduler and its flags: mh,mh-port.
func parseKind(text string) (kind, error) {
	words := strings.Split(text, ",")
	if _, err := findScheduler(words[0]); err != nil {
		return kind{}, fmt.Errorf("--sched: %w", err)
	}
	k := kind{name: words[0]}
	for _, word := range words[1:] {
		flag, err := sched.ParseFlag(k.name, word)
		if err != nil {
			return kind{}, fmt.Errorf("--sched %s: %w", text, notFlag(k.name, word, err))
		}
		k.flags |= flag
	}
	return k, nil
}

// notFlag says why a word is no flag of a scheduler, and what is one.
func notFlag(scheduler, word string, err error) error {
	if _, ok := sched.Find(word); ok {
		return fmt.Errorf("%s is a scheduler, not a flag of %s: to compare them give --sched %[2]s --sched %[1]s", word, scheduler)
	}
	flags := sched.FlagNames(scheduler, sched.Flag1|sched.Flag2|sched.Flag3)
	return fmt.Errorf("flag %q: %w; %s takes %s", word, err, scheduler, strings.Join(flags, ", "))
}

// server reads a real server as -r does.
func (s *simulation) server(text string, more ...string) (sched.Server, error) {
	words := append([]string{"-a"}, s.src.words...)
	op, err := rules.ParseOp(append(append(words, "-r", text, "-m"), more...), s.src.names)
	if err != nil {
		return sched.Server{}, err
	}
	d := op.(ipvs.AddDestination).Destination
	return server(&d), nil
}

// run simulates one scheduler.
func (s *simulation) run(k kind) error {
	o := s.src.options()
	o.Flags = k.flags
	o.Random = rand.New(rand.NewPCG(s.options.seed, 1))
	model, err := s.src.model(k.name, o)
	if err != nil {
		return err
	}
	if len(model.Servers()) == 0 {
		return fmt.Errorf("%s has no real server", rules.ServiceText(s.src.key))
	}
	var change func() error
	if len(s.removed)+len(s.added) > 0 {
		change = func() error { return s.change(model) }
	}
	outcome, err := sched.Simulate(model, s.traffic(), change)
	s.outcomes = append(s.outcomes, outcome)
	return err
}

func (s *simulation) change(model *sched.Service) error {
	for _, addr := range s.removed {
		if err := model.Remove(addr); err != nil {
			return fmt.Errorf("--remove: %w", err)
		}
	}
	for _, one := range s.added {
		if err := model.Add(one); err != nil {
			return fmt.Errorf("--add: %w", err)
		}
	}
	return nil
}

// traffic is the load for every scheduler.
func (s *simulation) traffic() sched.Traffic {
	t := sched.Traffic{
		Clients:     s.options.clients,
		Connections: s.options.connections,
		Rate:        float64(s.options.rate),
		Duration:    s.duration,
		Stream:      s.src.stream(),
		Linger:      lingerStream,
		Seed:        s.options.seed,
		Virtual:     []netip.AddrPort{s.src.key.Addr},
	}
	if !t.Stream {
		t.Linger = lingerDatagram
	}
	if s.src.service.Flags&ipvs.OnePacket != 0 {
		t.Linger, t.Duration, t.Stream = 0, oneDatagram(), false
	}
	if s.src.key.FWMark != 0 {
		t.Virtual = s.destinations()
	}
	return t
}

// oneDatagram is how long a connection of one datagram lasts: not at all.
func oneDatagram() sched.Distribution {
	d, err := sched.ParseDistribution("0s")
	if err != nil {
		panic(err) // the text is ours
	}
	return d
}

// destinations are the addresses that connections of a firewall mark go to.
func (s *simulation) destinations() []netip.AddrPort {
	n := s.options.destinations
	if n == 0 {
		n = 256
	}
	random := rand.New(rand.NewPCG(s.options.seed, 2))
	list := make([]netip.AddrPort, n)
	for i := range list {
		v := random.Uint32()
		addr := netip.AddrFrom4([4]byte{byte(1 + v>>24%126), byte(v >> 16), byte(v >> 8), byte(v)})
		if s.src.isIPv6() {
			addr = netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 0xff, 12: byte(v >> 24), 13: byte(v >> 16), 14: byte(v >> 8), 15: byte(v)})
		}
		list[i] = netip.AddrPortFrom(addr, 80)
	}
	return list
}

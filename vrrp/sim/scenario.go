package sim

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"ipvsadm/vrrp"
)

// Scenario is a world and what happens in it.
type Scenario struct {
	Seed    uint64        // of what links do at random
	For     time.Duration // how long it lasts
	Link    Link          // what links are like at first
	Routers []Router      // virtual routers, each on a link of its own
	Sync    bool          // they form a sync group on every node
	Nodes   []Node
	Steps   []Step // in the order of their times
}

// Link is how all links treat packets.
type Link struct {
	MinDelay, MaxDelay time.Duration
	// Probabilities per mille.
	Drop, Duplicate, Corrupt, Truncate int
}

// Router is a virtual router that all nodes have.
type Router struct {
	VRID      uint8
	Version   vrrp.Version
	IPv6      bool
	Interval  time.Duration
	Adverts   int // down_timer_adverts
	Addresses int // how many
	Auth      vrrp.AuthType
	Unicast   bool
}

// Node is a host and what it has configured.
type Node struct {
	Name         string
	Host         int   // last byte of its addresses, unique
	Priority     uint8 // of all its routers
	NoPreempt    bool
	PreemptDelay time.Duration
	StartBackup  bool
	NoAnswer     bool // lower_prio_no_advert
	LastWord     bool // higher_prio_send_advert
	MessageOnly  bool // checksum form
	Off          bool // not started at first
	Stale        bool // holds addresses that an earlier life left behind
	Startup      time.Duration
	Clock        int          // parts per million that its clock is fast
	Version      vrrp.Version // its own mistake, 0 for none
	Password     string       // its own mistake
}

// Step is something that happens at a time.
type Step struct {
	At   time.Duration
	Verb string
	Args []string
}

// String is the scenario as text; Parse reads it.
func (sc *Scenario) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d\nfor %v\n%s\n", sc.Seed, sc.For, sc.Link.words())
	for _, r := range sc.Routers {
		fmt.Fprintln(&b, r.words())
	}
	if sc.Sync {
		b.WriteString("sync\n")
	}
	for _, n := range sc.Nodes {
		fmt.Fprintln(&b, n.words())
	}
	for _, s := range sc.Steps {
		fmt.Fprintln(&b, s)
	}
	return b.String()
}

// String is the step's line.
func (s Step) String() string {
	return strings.Join(append([]string{"at", s.At.String(), s.Verb}, s.Args...), " ")
}

// line puts words together.
type line []string

func (l *line) word(on bool, words ...any) {
	if !on {
		return
	}
	for _, w := range words {
		*l = append(*l, fmt.Sprint(w))
	}
}

func (k Link) words() string {
	l := line{"link"}
	l.word(true, "delay", k.MinDelay, k.MaxDelay)
	l.word(k.Drop > 0, "drop", k.Drop)
	l.word(k.Duplicate > 0, "duplicate", k.Duplicate)
	l.word(k.Corrupt > 0, "corrupt", k.Corrupt)
	l.word(k.Truncate > 0, "truncate", k.Truncate)
	return strings.Join(l, " ")
}

func (r Router) words() string {
	l := line{"router"}
	l.word(true, r.VRID, "version", uint8(r.Version), "interval", r.Interval, "addresses", r.Addresses)
	l.word(r.Adverts > 0, "adverts", r.Adverts)
	l.word(r.IPv6, "ipv6")
	l.word(r.Auth == vrrp.AuthPass, "pass")
	l.word(r.Auth == vrrp.AuthAH, "ah")
	l.word(r.Unicast, "unicast")
	return strings.Join(l, " ")
}

func (n Node) words() string {
	l := line{"node"}
	l.word(true, n.Name, "host", n.Host, "priority", n.Priority)
	l.word(n.NoPreempt, "nopreempt")
	l.word(n.PreemptDelay > 0, "preempt-delay", n.PreemptDelay)
	l.word(n.StartBackup, "backup")
	l.word(n.NoAnswer, "no-answer")
	l.word(n.LastWord, "last-word")
	l.word(n.MessageOnly, "message-only")
	l.word(n.Off, "off")
	l.word(n.Stale, "stale")
	l.word(n.Startup > 0, "startup", n.Startup)
	l.word(n.Clock != 0, "clock", n.Clock)
	l.word(n.Version != 0, "version", uint8(n.Version))
	l.word(n.Password != "", "password", n.Password)
	return strings.Join(l, " ")
}

// Parse reads a scenario. Empty lines and lines that begin with # say nothing.
func Parse(text string) (*Scenario, error) {
	sc := &Scenario{}
	for i, text := range strings.Split(text, "\n") {
		words := strings.Fields(text)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		r := &reader{words: words[1:]}
		switch words[0] {
		case "seed":
			sc.Seed = r.uint(64)
		case "for":
			sc.For = r.duration()
		case "link":
			sc.Link = r.link()
		case "router":
			sc.Routers = append(sc.Routers, r.router())
		case "sync":
			sc.Sync = true
		case "node":
			sc.Nodes = append(sc.Nodes, r.node())
		case "at":
			sc.Steps = append(sc.Steps, Step{At: r.duration(), Verb: r.next(), Args: r.rest()})
		default:
			r.fail("unknown word %q", words[0])
		}
		if r.err == nil && len(r.words) > 0 {
			r.fail("%q is left over", r.words)
		}
		if r.err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, r.err)
		}
	}
	return sc, sc.validate()
}

// reader takes words off a line; the first error sticks.
type reader struct {
	words []string
	err   error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
}

func (r *reader) next() string {
	if len(r.words) == 0 {
		r.fail("a word is missing")
		return ""
	}
	w := r.words[0]
	r.words = r.words[1:]
	return w
}

func (r *reader) rest() []string {
	rest := r.words
	r.words = nil
	return rest
}

func (r *reader) duration() time.Duration {
	d, err := time.ParseDuration(r.next())
	if err != nil || d < 0 || d > 24*time.Hour {
		r.fail("not a duration up to a day")
		return 0
	}
	return d
}

func (r *reader) uint(bits int) uint64 {
	n, err := strconv.ParseUint(r.next(), 10, bits)
	if err != nil {
		r.fail("not a number: %v", err)
	}
	return n
}

func (r *reader) int() int {
	n, err := strconv.ParseInt(r.next(), 10, 32)
	if err != nil {
		r.fail("not a number: %v", err)
	}
	return int(n)
}

func (r *reader) link() (k Link) {
	for len(r.words) > 0 && r.err == nil {
		switch w := r.next(); w {
		case "delay":
			k.MinDelay, k.MaxDelay = r.duration(), r.duration()
		case "drop":
			k.Drop = r.int()
		case "duplicate":
			k.Duplicate = r.int()
		case "corrupt":
			k.Corrupt = r.int()
		case "truncate":
			k.Truncate = r.int()
		default:
			r.fail("unknown word %q", w)
		}
	}
	if k.MinDelay > k.MaxDelay {
		r.fail("delay from %v to %v", k.MinDelay, k.MaxDelay)
	}
	return k
}

func (r *reader) router() (o Router) {
	o.VRID = uint8(r.uint(8))
	for len(r.words) > 0 && r.err == nil {
		switch w := r.next(); w {
		case "version":
			o.Version = vrrp.Version(r.uint(8))
		case "interval":
			o.Interval = r.duration()
		case "adverts":
			o.Adverts = r.int()
		case "addresses":
			o.Addresses = int(r.uint(8))
		case "ipv6":
			o.IPv6 = true
		case "pass":
			o.Auth = vrrp.AuthPass
		case "ah":
			o.Auth = vrrp.AuthAH
		case "unicast":
			o.Unicast = true
		default:
			r.fail("unknown word %q", w)
		}
	}
	return o
}

func (r *reader) node() (n Node) {
	n.Name = r.next()
	for len(r.words) > 0 && r.err == nil {
		switch w := r.next(); w {
		case "host":
			n.Host = int(r.uint(8))
		case "priority":
			n.Priority = uint8(r.uint(8))
		case "nopreempt":
			n.NoPreempt = true
		case "preempt-delay":
			n.PreemptDelay = r.duration()
		case "backup":
			n.StartBackup = true
		case "no-answer":
			n.NoAnswer = true
		case "last-word":
			n.LastWord = true
		case "message-only":
			n.MessageOnly = true
		case "off":
			n.Off = true
		case "stale":
			n.Stale = true
		case "startup":
			n.Startup = r.duration()
		case "clock":
			n.Clock = r.int()
		case "version":
			n.Version = vrrp.Version(r.uint(8))
		case "password":
			n.Password = r.next()
		default:
			r.fail("unknown word %q", w)
		}
	}
	return n
}

// validate refuses what cannot be run.
func (sc *Scenario) validate() error {
	if len(sc.Nodes) == 0 || len(sc.Routers) == 0 || len(sc.Nodes) > 16 || len(sc.Routers) > 16 {
		return fmt.Errorf("%d nodes and %d routers, want 1 to 16 of each", len(sc.Nodes), len(sc.Routers))
	}
	hosts, names := map[int]bool{}, map[string]bool{}
	for i, n := range sc.Nodes {
		if hosts[n.Host] || names[n.Name] || n.Host == 0 {
			return fmt.Errorf("node %s: name and host must be its own", n.Name)
		}
		hosts[n.Host], names[n.Name] = true, true
		if n.Clock < -500_000 || n.Clock > 500_000 {
			return fmt.Errorf("node %s: clock off by %d ppm", n.Name, n.Clock)
		}
		for r := range sc.Routers {
			p := sc.params(i, r)
			if err := p.Validate(); err != nil {
				return fmt.Errorf("node %s, router %d: %w", n.Name, sc.Routers[r].VRID, err)
			}
		}
	}
	last := time.Duration(0)
	for _, s := range sc.Steps {
		if s.At < last {
			return fmt.Errorf("%v: before the step above", s)
		}
		last = s.At
		if err := sc.checkStep(s); err != nil {
			return fmt.Errorf("%v: %w", s, err)
		}
	}
	return nil
}

package schedule

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/spf13/pflag"

	"ipvsadm/ipvs"
	"ipvsadm/rules"
	"ipvsadm/sched"
)

const predictHelp = `Says which real server gets the next connection of a client, and why.

  ipvsadm sched predict SERVICE --client IP[:PORT] [options]

SERVICE is one of
  -t, --tcp-service HOST:PORT      --sctp-service HOST:PORT
  -u, --udp-service HOST:PORT      -f, --fwmark-service MARK [-6]

Options:
  --client IP[:PORT]   who connects; the port counts with sh-port and mh-port
  --dst IP             where to, for a service by firewall mark
  --next N             the next N connections, 1 to 10000, a port further each
  --rules FILE         take the table from what ipvsadm -S has saved ("-" for
                       standard input), as it is after ipvsadm -R of it
  --kernel VERSION     take the rules of this kernel, such as 6.1.176, not
                       those of the one that runs
  --json               an object for each connection, one a line

A server whose port is 0 gets the packet at the port that the client chose.

Without --rules the kernel's table counts, its connections and its persistence
templates included. The answer holds if nobody else connects in between. It says
what the kernel does not show, and what would make the answer certain.
`

// predictOptions are the words of predict.
type predictOptions struct {
	sourceOptions
	client, dst string
	next        int
}

// flags declares the options.
func (o *predictOptions) flags() *pflag.FlagSet {
	set := pflag.NewFlagSet("predict", pflag.ContinueOnError)
	o.add(set)
	set.StringVar(&o.client, "client", "", "")
	set.StringVar(&o.dst, "dst", "", "")
	set.Var(number{&o.next, 1, 10000}, "next", "")
	return set
}

// predict says who gets the next connections of a client.
func (c *command) predict(args []string) error {
	o := predictOptions{next: 1}
	set := o.flags()
	words, ok, err := c.parse(set, args, predictHelp)
	if err != nil || !ok {
		return err
	}
	if len(words) > 0 {
		return unexpected(words[0])
	}
	if o.client == "" {
		return misuse{errors.New("which client? Give --client IP[:PORT]")}
	}
	// The words are checked before the table is read, which may need privileges.
	client, err := parseClient(o.client)
	if err != nil {
		return err
	}
	src, err := c.source(&o.sourceOptions, set)
	if err != nil {
		return err
	}
	p, err := c.prediction(src, client, o.dst)
	if err != nil {
		return err
	}
	answers := make([]answer, o.next)
	for i := range answers {
		answers[i] = p.next()
	}
	if o.json {
		return c.answersJSON(answers)
	}
	c.showAnswers(p, answers)
	return nil
}

// parseClient reads an address with or without a port.
func parseClient(text string) (netip.AddrPort, error) {
	if addr, err := netip.ParseAddr(strings.Trim(text, "[]")); err == nil && addr.Zone() == "" {
		return netip.AddrPortFrom(addr, 0), nil
	}
	client, err := netip.ParseAddrPort(text)
	if err != nil || client.Addr().Zone() != "" || client.Port() == 0 {
		return client, fmt.Errorf("--client %q is not an address, or an address and a port", text)
	}
	return client, nil
}

// prediction is a model of a service, and a client that connects to it.
type prediction struct {
	src   *source
	model *sched.Service
	// other is the same service in a kernel that counts in the other way; nil if
	// it is known how the kernel counts.
	other   *sched.Service
	client  netip.AddrPort // the next one; port 0 if the port is not known
	virtual netip.AddrPort
	// existing is a connection from the client's port that is there already.
	existing *ipvs.Connection
	// engine says that a persistence engine binds clients, by what no address
	// shows.
	engine bool
}

// prediction checks that the client and the destination fit the service.
func (c *command) prediction(src *source, client netip.AddrPort, dst string) (*prediction, error) {
	if err := src.checkScheduler(); err != nil {
		return nil, err
	}
	if ipvs.FamilyOf(client.Addr()) != src.key.Family {
		return nil, fmt.Errorf("client %s: %s is a service of %s", client.Addr(), rules.ServiceText(src.key), familyName(src.key.Family))
	}
	p := &prediction{src: src, client: client, virtual: src.key.Addr, engine: src.service.PE != ""}
	scheduler, flags := src.service.Scheduler, src.options().Flags
	if err := p.destination(dst, scheduler); err != nil {
		return nil, err
	}
	if (scheduler == "sh" || scheduler == "mh") && flags&sched.Flag2 != 0 && client.Port() == 0 {
		return nil, fmt.Errorf("%s-port counts the client's port: give --client %s", scheduler, netip.AddrPortFrom(client.Addr(), 40000))
	}
	options := src.options()
	var found templates
	if src.live && (options.Persistent > 0 || client.Port() != 0) {
		var err error
		if found, err = c.templates(p); err != nil {
			return nil, err
		}
		options.Told = true
	}
	p.existing = found.existing
	var err error
	if p.model, err = src.bound(options, client.Addr(), found); err != nil || !src.guessed {
		return p, err
	}
	options.Generation = options.Generation.Other()
	p.other, err = src.bound(options, client.Addr(), found)
	return p, err
}

// bound makes a model of the service as it is now, which knows of the client's
// template.
func (s *source) bound(o sched.Options, client netip.Addr, found templates) (*sched.Service, error) {
	model, err := s.current(o)
	if err != nil || !found.server.IsValid() {
		return model, err
	}
	// A template of a server that is gone binds nobody.
	if err := model.Bind(client, found.server, found.expires); err != nil && !errors.Is(err, sched.ErrNoServer) {
		return nil, err
	}
	return model, nil
}

// destination settles where the client connects to.
func (p *prediction) destination(dst, scheduler string) error {
	byMark := p.src.key.FWMark != 0
	if dst == "" {
		if byMark && (scheduler == "dh" || scheduler == "lblc" || scheduler == "lblcr") {
			return fmt.Errorf("%s goes by the destination address: give --dst", scheduler)
		}
		if byMark {
			unspecified := netip.IPv4Unspecified()
			if p.src.isIPv6() {
				unspecified = netip.IPv6Unspecified()
			}
			p.virtual = netip.AddrPortFrom(unspecified, 0)
		}
		return nil
	}
	addr, err := netip.ParseAddr(dst)
	switch {
	case err != nil || addr.Zone() != "":
		return fmt.Errorf("--dst %q is not an address", dst)
	case ipvs.FamilyOf(addr) != p.src.key.Family:
		return fmt.Errorf("--dst %s: %s is a service of %s", dst, rules.ServiceText(p.src.key), familyName(p.src.key.Family))
	case !byMark && addr != p.src.key.Addr.Addr():
		return fmt.Errorf("--dst %s is not the address of %s", dst, rules.ServiceText(p.src.key))
	}
	p.virtual = netip.AddrPortFrom(addr, p.src.key.Addr.Port())
	return nil
}

func familyName(f ipvs.Family) string {
	if f == ipvs.IPv6 {
		return "IPv6"
	}
	return "IPv4"
}

// next works out one connection and lets it come.
func (p *prediction) next() answer {
	a := answer{
		Service:   rules.ServiceText(p.src.key),
		Scheduler: p.src.service.Scheduler,
		Client:    clientText(p.client),
		Certain:   true,
	}
	defer p.advance()
	if e := p.existing; e != nil {
		p.existing = nil
		a.Server = e.Destination.String()
		a.Why = []string{fmt.Sprintf("a connection from this port is there already (%s): its packets go on to %s", e.State, e.Destination)}
		return a
	}
	choice := p.choose(p.model)
	for _, r := range choice.Why {
		a.Why = append(a.Why, r.String())
	}
	var doubts []string
	for _, d := range choice.Doubts {
		doubts = append(doubts, d.String())
	}
	if p.engine {
		doubts = []string{fmt.Sprintf("the persistence engine %s binds clients by what they say, not by their address", p.src.service.PE)}
	}
	if p.other != nil {
		if server := p.choose(p.other).Server; server != choice.Server {
			doubts = append(doubts, fmt.Sprintf("kernels count connections in two ways, and by the other one this is %s; known with --kernel VERSION",
				addrText(server)))
		}
	}
	a.Certain, a.doubts = len(doubts) == 0, len(doubts)
	a.Why = append(a.Why, doubts...)
	if choice.Server.IsValid() {
		a.Server = choice.Server.String()
	}
	return a
}

// choose has a model take the connection.
func (p *prediction) choose(model *sched.Service) sched.Choice {
	choice := model.Choose(sched.Connection{Client: p.client, Virtual: p.virtual})
	if choice.Server.IsValid() {
		model.Opened(choice.Server, p.src.stream())
		if p.src.service.Flags&ipvs.OnePacket != 0 {
			model.Closed(choice.Server, p.src.stream())
		}
	}
	return choice
}

// advance moves on to the client's next port.
func (p *prediction) advance() {
	switch port := p.client.Port(); port {
	case 0:
	case 65535:
		p.client = netip.AddrPortFrom(p.client.Addr(), 1024)
	default:
		p.client = netip.AddrPortFrom(p.client.Addr(), port+1)
	}
}

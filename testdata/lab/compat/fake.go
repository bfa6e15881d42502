package compat

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"

	"ipvsadm/ipvs/ipvstest"
	"ipvsadm/rules"
)

// Fake is a World in this process: package rules on an in-memory kernel. It can
// do what no real kernel does on demand, set counters and connection tables,
// and it cannot run anything that needs a shell or a process.
type Fake struct {
	kernel      *ipvstest.Kernel
	hosts       string
	connections *string // content of /proc/net/ip_vs_conn; nil if it cannot be read
}

// NewFake returns a world with an empty table on a host with the interfaces of
// the recording: lo, and d0 with 10.0.0.254/24.
func NewFake() *Fake {
	empty := connectionsTitle
	return &Fake{
		kernel: ipvstest.New(ipvstest.Options{
			Addresses: []netip.Prefix{
				netip.MustParsePrefix("127.0.0.1/8"), netip.MustParsePrefix("::1/128"),
				netip.MustParsePrefix("10.0.0.254/24"),
			},
			WideThresholds: true,
			HashSalt:       96, // that of the recording, as far as its order of services tells
			Interfaces:     []ipvstest.Interface{{Name: "lo", MTU: 65536, NoMulticast6: true}, {Name: "d0", MTU: 1500}},
		}),
		hosts:       Hosts,
		connections: &empty,
	}
}

// connectionsTitle is the first line of /proc/net/ip_vs_conn.
const connectionsTitle = "Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData\n"

// Set is part of World.
func (f *Fake) Set(s Setup) error {
	switch s.Verb {
	case "run":
		return mustSucceed(f.Run(Entry{Command: s.Arg}))
	case "hosts":
		f.hosts += s.Arg + "\n"
	case "connections":
		f.connections = &s.Body
		if s.Arg == "none" {
			f.connections = nil
		}
	case "counters":
		return setCounters(f.kernel, s.Arg)
	case "traffic":
		return setTraffic(f.kernel, s.Body)
	case "odd":
		return doAll(f.kernel.Do(OddEntries()...))
	default:
		return ErrCannot
	}
	return nil
}

// mustSucceed is the verdict on a command that a transcript needs done.
func mustSucceed(out Outcome, err error) error {
	if err == nil && out != (Outcome{}) {
		err = fmt.Errorf("exit %d: %s%s", out.Exit, out.Stdout, out.Stderr)
	}
	return err
}

func doAll(errs []error) error { return errors.Join(errs...) }

// Run is part of World.
func (f *Fake) Run(e Entry) (Outcome, error) {
	inv, ok := ParseCommand(e.Command)
	if !ok {
		return Outcome{}, ErrCannot
	}
	names, err := newFileNames(f.hosts)
	if err != nil {
		return Outcome{}, err
	}
	return inProcess(inv, rules.Env{
		Open:        func() (rules.Kernel, error) { return f.kernel, nil },
		Names:       names,
		Connections: f.openConnections,
	}), nil
}

func (f *Fake) openConnections() (io.ReadCloser, error) {
	if f.connections == nil {
		return nil, os.ErrNotExist
	}
	return io.NopCloser(strings.NewReader(*f.connections)), nil
}

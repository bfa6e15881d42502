package schedule

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"

	"github.com/spf13/pflag"

	"ipvsadm/ipvs"
	"ipvsadm/rules"
	"ipvsadm/sched"
)

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

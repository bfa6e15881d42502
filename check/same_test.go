package check

import (
	"net/netip"
	"reflect"
	"testing"
	"time"

	"ipvsadm/ipvs"
)

// fullServer has something in every field that leads on to others.
func fullServer() *ServerConfig {
	command := func() *Command { return &Command{Argv: []string{"/bin/true"}} }
	s := with(serverOf(1), sorry)
	s.QuorumUp, s.QuorumDown = command(), command()
	r := &s.Reals[0]
	r.NotifyUp, r.NotifyDown = command(), command()
	r.Checkers = append(r.Checkers, CheckerConfig{Probe: HTTPConfig{URLs: []URLConfig{{Path: "/"}}}}, CheckerConfig{Probe: MiscConfig{Command: *command()}})
	return s
}

// each calls f for everything in v that can be set by itself, with a way to change
// it and back.
func each(path string, v reflect.Value, f func(path string, change func() (back func()))) {
	put := func(to reflect.Value) func() func() {
		return func() func() {
			was := reflect.New(v.Type()).Elem()
			was.Set(v)
			v.Set(to)
			return func() { v.Set(was) }
		}
	}
	switch x := v.Interface().(type) {
	case netip.AddrPort:
		f(path, put(reflect.ValueOf(netip.AddrPortFrom(x.Addr(), x.Port()+1))))
		return
	case ProbeConfig:
		f(path, put(reflect.ValueOf(SMTPConfig{})))
		f(path, put(reflect.ValueOf(TCPConfig{Endpoint{Timeout: time.Hour}})))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			each(path+"."+v.Type().Field(i).Name, v.Field(i), f)
		}
	case reflect.Pointer:
		f(path, put(reflect.Zero(v.Type())))
		each(path, v.Elem(), f)
	case reflect.Slice:
		f(path, put(reflect.Append(v.Slice3(0, v.Len(), v.Len()), reflect.New(v.Type().Elem()).Elem())))
		for i := range v.Len() {
			each(path+"[]", v.Index(i), f)
		}
	case reflect.Bool:
		f(path, put(reflect.ValueOf(!v.Bool()).Convert(v.Type())))
	case reflect.String:
		f(path, put(reflect.ValueOf(v.String()+"x").Convert(v.Type())))
	default:
		f(path, put(reflect.ValueOf(7).Convert(v.Type())))
	}
}

// TestSameServer changes everything in the configuration of a server, one after the
// other, fields that are yet to be thought of included.
func TestSameServer(t *testing.T) {
	a, b := fullServer(), fullServer()
	n := 0
	each("", reflect.ValueOf(b).Elem(), func(path string, change func() func()) {
		n++
		back := change()
		if sameServer(a, b) {
			t.Errorf("%s was changed, and nobody noticed", path)
		}
		if back(); !sameServer(a, b) {
			t.Fatalf("%s was changed back, and is not the same", path)
		}
	})
	if n < 40 {
		t.Errorf("only %d things were changed", n)
	}
	a, b = serverOf(1, 2, 3), serverOf(1, 2, 3)
	if n := testing.AllocsPerRun(10, func() { sameServer(a, b) }); n > 0 {
		t.Errorf("%v allocations to see that servers with TCP_CHECKs are the same", n)
	}
}

// TestReloadOfAGroup changes only the group of a server, which says itself the same
// as before.
func TestReloadOfAGroup(t *testing.T) {
	c := func(last string) *Config {
		s := serverOf(1)
		s.Group, s.Service.ServiceKey = "G", ipvs.ServiceKey{Family: ipvs.IPv4, Protocol: ipvs.TCP}
		return &Config{Servers: []ServerConfig{*s}, Groups: []GroupConfig{{Name: "G", Entries: []GroupEntry{entry("10.0.0.1", last, 80)}}}}
	}
	m := NewManager(Options{New: func(*Config, ProbeConfig) (Checker, error) { return constant{}, nil }})
	before := c("10.0.0.1")
	servers, err := m.build(before, nil)
	if err != nil {
		t.Fatal(err)
	}
	m.servers = servers
	for last, same := range map[string]bool{"10.0.0.1": true, "10.0.0.2": false} {
		next, err := m.build(c(last), before)
		if err != nil {
			t.Fatal(err)
		}
		if (next[0] == servers[0]) != same {
			t.Errorf("to %s: goes on as it is: %v", last, !same)
		}
	}
}

package vrrp

import (
	"go/ast"
	"go/parser"
	"go/token"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// The table of all states, events and modes: what state follows. A cell that is
// missing here fails, so that a new event or state cannot be forgotten.
//
// The letters are I, B, A, F for the state that follows; a dot is the same state.
// The modes are preempt, nopreempt, owner (255) in this order. A Backup owner is
// one with "state BACKUP".
var transitions = map[string]map[State]string{
	"startup":              {Initialize: "BBA", Backup: "...", Active: "...", Fault: "..."},
	"startup with delay":   {Initialize: "BBB", Backup: "...", Active: "...", Fault: "..."},
	"shutdown":             {Initialize: "...", Backup: "III", Active: "III", Fault: "III"},
	"tick, not due":        {Initialize: "...", Backup: "...", Active: "...", Fault: "..."},
	"tick, due":            {Initialize: "...", Backup: "AAA", Active: "...", Fault: "..."},
	"tick, far too late":   {Initialize: "...", Backup: "...", Active: "BBB", Fault: "..."},
	"packet, refused":      {Initialize: "...", Backup: "...", Active: "...", Fault: "..."},
	"packet, priority 0":   {Initialize: "...", Backup: "...", Active: "...", Fault: "..."},
	"packet, lower":        {Initialize: "...", Backup: "...", Active: "...", Fault: "..."},
	"packet, equal, below": {Initialize: "...", Backup: "...", Active: "...", Fault: "..."},
	"packet, equal, same":  {Initialize: "...", Backup: "...", Active: "...", Fault: "..."},
	"packet, equal, above": {Initialize: "...", Backup: "...", Active: "BBB", Fault: "..."},
	"packet, higher":       {Initialize: "...", Backup: "...", Active: "BB.", Fault: "..."},
	"failed":               {Initialize: "...", Backup: "FFF", Active: "FFF", Fault: "..."},
	"healed, the last":     {Initialize: "...", Backup: "...", Active: "...", Fault: "BBA"},
	"healed, another":      {Initialize: "...", Backup: "...", Active: "...", Fault: "..."},
	"weighed":              {Initialize: "...", Backup: "...", Active: "...", Fault: "..."},
	"source changed":       {Initialize: "...", Backup: "...", Active: "...", Fault: "..."},
	"source gone":          {Initialize: "...", Backup: "FFF", Active: "FFF", Fault: "..."},
	"addresses lost":       {Initialize: "...", Backup: "...", Active: "...", Fault: "..."},
	"reload of the same":   {Initialize: "...", Backup: "...", Active: "...", Fault: "..."},
	"reload to another":    {Initialize: "...", Backup: "BBA", Active: "BBA", Fault: "..."},
}

// inputs makes the events of the table for a machine on a bench.
var inputs = map[string]func(*bench){
	"startup":              func(b *bench) { b.do(Startup{}) },
	"startup with delay":   func(b *bench) { b.do(Startup{Delay: time.Second}) },
	"shutdown":             func(b *bench) { b.do(Shutdown{}) },
	"tick, not due":        func(b *bench) { b.do(Tick{}) },
	"tick, due":            func(b *bench) { b.toDeadline(0).do(Tick{}) },
	"tick, far too late":   func(b *bench) { b.toDeadline(time.Hour).do(Tick{}) },
	"packet, refused":      func(b *bench) { b.hear(255, func(c *crafted) { c.d.TTL = 1 }) },
	"packet, priority 0":   func(b *bench) { b.hear(PriorityStop) },
	"packet, lower":        func(b *bench) { b.hear(b.m.Priority() - 1) },
	"packet, equal, below": func(b *bench) { b.hear(b.m.Priority(), from("10.77.0.0")) },
	"packet, equal, same":  func(b *bench) { b.hear(b.m.Priority(), from("10.77.0.1")) },
	"packet, equal, above": func(b *bench) { b.hear(b.m.Priority(), from("10.77.0.2")) },
	"packet, higher":       func(b *bench) { b.hear(min(b.m.Priority(), 254)+1, from("10.77.0.1")) },
	"failed":               func(b *bench) { b.do(Failed{Cause{CauseScript, "a"}}) },
	"healed, the last":     func(b *bench) { b.do(Healed{theFault}) },
	"healed, another":      func(b *bench) { b.do(Healed{Cause{CauseScript, "b"}}) },
	"weighed":              func(b *bench) { b.do(Weighed{-7}) },
	"source changed":       func(b *bench) { b.do(SourceChanged{netip.MustParseAddr("10.77.0.9")}) },
	"source gone":          func(b *bench) { b.do(SourceChanged{}) },
	"addresses lost":       func(b *bench) { b.do(AddressesLost{}) },
	"reload of the same":   func(b *bench) { b.reloaded(nil) },
	"reload to another":    func(b *bench) { b.reloaded(func(p *Params) { p.VRID, p.StartBackup = 52, false }) },
}

var theFault = Cause{CauseInterface, "eth0"}

// toDeadline moves time to the deadline and beyond it, or just on.
func (b *bench) toDeadline(beyond time.Duration) *bench {
	if d := b.m.Deadline(); !d.IsZero() {
		b.now = d
	}
	return b.sleep(beyond)
}

func TestEveryEventInEveryState(t *testing.T) {
	requirement(t, "9568:8.1.2-2")
	modes := []func(*Params){nil, func(p *Params) { p.NoPreempt = true }, owner}
	bring := map[State]func(change func(*Params)) *bench{
		Initialize: func(change func(*Params)) *bench { return newBench(t, change) },
		Backup: func(change func(*Params)) *bench {
			return started(t, func(p *Params) {
				if change != nil {
					change(p)
				}
				p.StartBackup = true
			})
		},
		Active: func(change func(*Params)) *bench { return active(t, change) },
		Fault: func(change func(*Params)) *bench {
			return newBench(t, change).do(Failed{theFault}).do(Startup{})
		},
	}
	cells := 0
	for name, input := range inputs {
		for state, make := range bring {
			row := transitions[name][state]
			if len(row) != len(modes) {
				t.Errorf("%s in %v: the table has %q", name, state, row)
				continue
			}
			for i, change := range modes {
				b := make(change).in(state)
				input(b)
				want := state
				if j := slices.Index([]byte("IBAF"), row[i]); j >= 0 {
					want = State(j)
				}
				if got := b.m.State(); got != want {
					t.Errorf("%s in %v, mode %d: %v, want %v", name, state, i, got, want)
				}
				checkDuties(t, name, b, state)
				cells++
			}
		}
	}
	if want := len(transitions) * 4 * len(modes); cells != want || len(inputs) != len(transitions) {
		t.Errorf("%d cells tried, want %d", cells, want)
	}
}

// checkDuties looks at what must be true of any batch of actions.
func checkDuties(t *testing.T, name string, b *bench, before State) {
	t.Helper()
	after := b.m.State()
	count := map[string]int{}
	for _, a := range b.actions {
		switch a := a.(type) {
		case AddAddresses:
			count["add"]++
		case RemoveAddresses:
			count["remove"]++
		case SendAdvertisement:
			if a.Advertisement.Priority == PriorityStop {
				count["zero"]++
			} else if before != Active && after != Active {
				t.Errorf("%s in %v: an advertisement from %v", name, before, after)
			}
		case Notify:
			if a.Kind == NotifyState && a.State != after {
				t.Errorf("%s in %v: notifies %v in %v", name, before, a.State, after)
			}
		case Announce:
			if after != Active {
				t.Errorf("%s in %v: announces in %v", name, before, after)
			}
		}
	}
	if before != Active && after == Active && count["add"] != 1 {
		t.Errorf("%s in %v: becomes Active with %d additions of addresses", name, before, count["add"])
	}
	if before == Active && after != Active && count["remove"] == 0 {
		t.Errorf("%s in %v: keeps its addresses in %v", name, before, after)
	}
	if before != Active && count["zero"] > 0 || count["zero"] > 1 {
		t.Errorf("%s in %v: gives up %d times", name, before, count["zero"])
	}
	if d := b.m.Deadline(); !d.IsZero() && d.Before(b.now) && name != "tick, not due" {
		t.Errorf("%s in %v: deadline %v in the past", name, before, b.now.Sub(d))
	}
}

// Every type in the package that is an Event or an Action is tried somewhere: in
// the table above, or in the strings of action_test.go.
func TestSetsOfEventsAndActionsAreClosed(t *testing.T) {
	methods := map[string][]string{}
	for _, file := range []string{"event.go", "action.go"} {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv != nil {
				if id, ok := fn.Recv.List[0].Type.(*ast.Ident); ok {
					methods[fn.Name.Name] = append(methods[fn.Name.Name], id.Name)
				}
			}
		}
	}
	events := []string{"Startup", "Shutdown", "Tick", "Packet", "Failed", "Healed", "Weighed", "SourceChanged", "AddressesLost", "Reload"}
	if !slices.Equal(methods["event"], events) {
		t.Errorf("events are %v; the table knows %v", methods["event"], events)
	}
	actions := []string{"SendAdvertisement", "AddAddresses", "RemoveAddresses", "UpdateAddresses", "Announce", "Transition", "Notify", "Refuse", "Log"}
	if !slices.Equal(methods["action"], actions) {
		t.Errorf("actions are %v; the tests know %v", methods["action"], actions)
	}
}

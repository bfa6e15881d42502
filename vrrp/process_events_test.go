package vrrp

import (
	"context"
	"encoding/binary"
	"log/slog"
	"os/exec"
	"testing"
	"time"
)

// event is a struct proc_event as the kernel writes it.
func event(what uint32, ids ...uint32) []byte {
	b := binary.NativeEndian.AppendUint32(nil, what)
	b = append(b, make([]byte, procHeader-4)...)
	for _, id := range ids {
		b = binary.NativeEndian.AppendUint32(b, id)
	}
	return b
}

func TestParseProcessEvent(t *testing.T) {
	for name, c := range map[string]struct {
		bytes []byte
		want  processEvent
		ok    bool
	}{
		"a child":                {event(procEventFork, 7, 7, 8, 8), processEvent{processForked, 8, 7}, true},
		"a child of a thread":    {event(procEventFork, 9, 7, 8, 8), processEvent{processForked, 8, 7}, true},
		"a thread":               {event(procEventFork, 7, 7, 8, 7), processEvent{}, false},
		"another program":        {event(procEventExec, 8, 8), processEvent{what: processChanged, pid: 8}, true},
		"another name":           {event(procEventComm, 8, 8, 0, 0, 0, 0), processEvent{what: processChanged, pid: 8}, true},
		"the end":                {event(procEventExit, 8, 8, 0, 17), processEvent{what: processExited, pid: 8}, true},
		"the end of a thread":    {event(procEventExit, 9, 8, 0, 17), processEvent{}, false},
		"another user":           {event(4, 8, 8, 0, 0), processEvent{}, false},
		"an acknowledgement":     {event(procEventNone, 0, 0), processEvent{}, false},
		"nothing":                {nil, processEvent{}, false},
		"a fork that is cut off": {event(procEventFork, 7, 7), processEvent{}, false},
	} {
		if got, ok := parseProcessEvent(c.bytes); ok != c.ok || ok && got != c.want {
			t.Errorf("%s: %+v, %v", name, got, ok)
		}
	}
}

// TestProcessEvents lets the kernel tell of processes: a verdict changes when a
// process does, and nobody looks through all of them again.
func TestProcessEvents(t *testing.T) {
	events, err := openProcessEvents()
	if err != nil {
		t.Skipf("needs root in the first network and process namespaces: %v", err)
	}
	config := ProcessConfig{Name: "p", Command: "/bin/sleep", Args: []string{"77.125"}, Quorum: 2, QuorumMax: -1}
	changes := make(chan bool, 16)
	w := &processWatch{
		verdicts: []processVerdict{{config: &config}}, proc: "/proc", log: slog.New(slog.DiscardHandler),
		report: func(_ *ProcessConfig, up bool) { changes <- up },
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.follow(ctx, events) }()
	want := func(up bool) {
		t.Helper()
		select {
		case got := <-changes:
			if got != up {
				t.Fatalf("the verdict is %v, want %v", got, up)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("no news of the verdict %v", up)
		}
	}
	start := func(name string, args ...string) *exec.Cmd {
		t.Helper()
		cmd := exec.Command(name, args...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
		return cmd
	}
	want(false)
	first := start("/bin/sleep", "77.125")
	start("/bin/sleep", "77.126") // not one of them
	start("/bin/sh", "-c", "exec /bin/sleep 77.125")
	want(true)
	first.Process.Kill()
	first.Wait()
	want(false)
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if len(w.running) != 1 || w.counts[0] != 1 {
		t.Errorf("%v run, %v counted at the end", w.running, w.counts)
	}
}

// A child is what its parent is until it runs another program; delays end without
// an event.
func TestProcessEventsOfChildren(t *testing.T) {
	config := ProcessConfig{Name: "p", Command: "daemon", Quorum: 1, QuorumMax: -1, TerminateDelay: time.Second}
	w := &processWatch{verdicts: []processVerdict{{config: &config}}, proc: t.TempDir(), report: func(*ProcessConfig, bool) {}}
	at := time.Unix(0, 0)
	w.count(at)
	w.running[7], w.counts[0] = []int{0}, 1
	w.judge(at)
	for i, c := range []struct {
		event processEvent
		count int
		news  bool
	}{
		{processEvent{processForked, 8, 7}, 2, true},
		{processEvent{processForked, 9, 1}, 2, false},
		{processEvent{what: processExited, pid: 7}, 1, true},
		{processEvent{what: processExited, pid: 7}, 1, false},
		{processEvent{what: processChanged, pid: 8}, 0, true}, // it cannot be seen any more
	} {
		if news := w.learn(c.event); news != c.news || w.counts[0] != c.count {
			t.Errorf("event %d: %d counted, news %v", i, w.counts[0], news)
		}
	}
	w.verdicts[0].known, w.verdicts[0].up = true, true
	w.judge(at)
	if due := w.due(); due != at.Add(time.Second) {
		t.Errorf("due at %v", due)
	}
	w.judge(at.Add(time.Second))
	if w.verdicts[0].up || !w.due().IsZero() {
		t.Error("the delay does not end")
	}
}

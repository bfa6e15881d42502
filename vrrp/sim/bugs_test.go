package sim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// bugs are one-line mistakes, most of them made by somebody before. Each is
// planted in a copy of its file by the compiler's -overlay, so that the code
// that runs knows nothing of them. The text to replace must be there once: who
// changes the code changes the table.
var bugs = []struct {
	name, file, old, new string
}{
	// Election.
	{"a tie is lost to our own address", "active.go", "case theirs > ours || tie > 0:", "case theirs > ours || theirs == ours && tie >= 0:"},
	{"a tie is broken the wrong way", "active.go", "tie = v.Source.Compare(m.params.Source)", "tie = m.params.Source.Compare(v.Source)"},
	{"addresses are compared as signed", "active.go", "tie = v.Source.Compare(m.params.Source)",
		"tie = int(int8(v.Source.AsSlice()[len(v.Source.AsSlice())-1])) - int(int8(m.params.Source.AsSlice()[len(v.Source.AsSlice())-1]))"},
	{"equal priorities ignore each other", "active.go", "case theirs > ours || tie > 0:", "case theirs > ours:"},
	{"Preempt_Mode counts in Active", "active.go", "case theirs > ours || tie > 0:", "case (theirs > ours || tie > 0) && m.params.preempts():"},
	{"equal priority is discarded in Backup", "backup.go", "case theirs >= m.priority ||", "case theirs > m.priority ||"},
	{"nopreempt is forgotten", "backup.go", "|| !m.params.preempts() ||", "||"},
	{"the owner does not preempt", "params.go", "return !p.NoPreempt || p.Owner()", "return !p.NoPreempt"},
	{"preempt_delay is forgotten", "backup.go", "return m.preemptAt.IsZero() || now.Before(m.preemptAt)", "return false"},
	// Timers.
	{"a discarded advertisement resets the timer", "backup.go", "		m.ignoring = true\n		m.countFromDelay()", "		m.ignoring = true\n		m.silenceFrom = now"},
	{"the interval is not adopted", "backup.go", "	m.activeInterval = heard\n", "	_ = heard\n"},
	{"skew of version 2 and 3 are mixed up", "timers.go", "if v == V2 {", "if v == V3 {"},
	{"skew in whole centiseconds", "timers.go", "return time.Duration(256-int(priority)) * activeInterval / 256", "return time.Duration(256-int(priority)) * (activeInterval / Centisecond) / 256 * Centisecond"},
	{"skew divided before it is multiplied", "timers.go", "time.Duration(256-int(priority)) * activeInterval / 256", "time.Duration(256-int(priority)) / 256 * activeInterval"},
	{"down_timer_adverts is always 3", "timers.go", "time.Duration(adverts)*activeInterval", "3*activeInterval"},
	{"priority 0 sets the whole interval", "backup.go", "m.listen(now, silenceSkew)", "m.listen(now, silenceFull)"},
	{"priority 0 takes over at once", "backup.go", "m.listen(now, silenceSkew)", "m.listen(now, silenceNone)"},
	{"a reload sends the next advertisement anew", "reload.go", "if due := m.sentAt.Add(p.AdvertisementInterval); due.Before(m.advertAt) {", "if due := now.Add(p.AdvertisementInterval); true {"},
	{"a reload to a longer interval delays its telling", "reload.go", "due.Before(m.advertAt) {", "true {"},
	{"the Active Router trusts its timers after a sleep", "active.go", "if silent < time.Duration(max(m.params.downAdverts(), 2))*m.promised {", "if silent >= 0 {"},
	{"the Backup Router trusts its timer after a sleep", "backup.go", "late > m.activeInterval &&", "late > m.activeInterval*1000 &&"},
	{"the deadline is believed before the queue is read", "sim/node.go", "	n.countBatch()\n	for", "	n.countBatch()\n	n.tick()\n	for"},
	// What is sent.
	{"priority 0 is sent from Backup", "machine.go", "	if m.state == Active {\n		m.sendZero()", "	if m.state != Fault {\n		m.sendZero()"},
	{"a fault says nothing", "fault.go", "			m.sendZero()\n", ""},
	{"lower priorities are not answered", "active.go", "		m.reply(now)\n	}\n	if m.announcer", "	}\n	if m.announcer"},
	{"answers have no limit", "active.go", "m.replyAt = now.Add(replyGap)", "m.replyAt = now"},
	{"an old advertisement is sent after a change of priority", "machine.go", "	m.box()\n	m.emit(Log{Note: NotePriorityChanged", "	m.emit(Log{Note: NotePriorityChanged"},
	{"weights make an owner", "machine.go", "m.weight, 1), PriorityOwner-1))", "m.weight, 1), PriorityOwner))"},
	// Addresses.
	{"addresses are announced before they are there", "active.go",
		"	m.emit(AddAddresses{Accept: m.params.accepts()})\n	m.emit(m.announcer.start(now, &m.params.Announce))",
		"	m.emit(m.announcer.start(now, &m.params.Announce))\n	m.emit(AddAddresses{Accept: m.params.accepts()})"},
	{"addresses go up before the advertisement", "active.go", "	m.send(now)\n	m.advertAt = now.Add(m.params.AdvertisementInterval)\n	m.replyAt",
		"	m.emit(AddAddresses{Accept: m.params.accepts()})\n	m.send(now)\n	m.advertAt = now.Add(m.params.AdvertisementInterval)\n	m.replyAt"},
	{"addresses stay when it yields", "active.go", "	m.emit(RemoveAddresses{})\n", ""},
	{"stale addresses stay at startup", "machine.go", "	m.listenAt = now.Add(delay)\n	m.emit(RemoveAddresses{})", "	m.listenAt = now.Add(delay)"},
	// Packets, groups, counters.
	{"a wrong checksum is counted and accepted", "check.go", "return v.need(ok, ReasonChecksum, 0, 0)", "return v.need(ok || true, ReasonChecksum, 0, 0)"},
	{"a refused packet resets the timer", "receive.go", "	m.counters.Refused[v.Reason]++\n", "	m.counters.Refused[v.Reason]++\n	m.silenceFrom = now\n"},
	{"one replay window for all senders", "receive.go", "v := Check(d, &m.params, m.peers.sequence(d.Source))", "v := Check(d, &m.params, m.sequence)"},
	{"a fault is not shared in the group", "group.go", "fault := faulty > f", "fault := faulty > f+1"},
	{"the group has no vote", "group.go", "return m.group.state == Active ||", "return true ||"},
	{"yielding is not shared in the group", "group.go", "case to == Backup && m.state == Active:", "case to == Backup && m.state == Active && i == 0:"},
	{"a transition is not counted", "machine.go", "		m.counters.MasterTransitions++\n", ""},
	{"a reload forgets the state", "reload.go", "	m.emit(UpdateAddresses{Accept: p.accepts()})\n", "	m.yield(now, TriggerReload)\n"},
}

// TestPlantedBugs makes each bug, and wants the swarm to notice it within 10 000
// seeds. It prints how many it took.
func TestPlantedBugs(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the simulation once for each bug: left out by -short")
	}
	if len(bugs) < 20 {
		t.Errorf("only %d bugs", len(bugs))
	}
	results := make([]string, len(bugs))
	var wg sync.WaitGroup
	slots := make(chan struct{}, 2)
	for i := range bugs {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			results[i] = hunt(t, i)
		})
	}
	wg.Wait()
	t.Logf("seeds to the first catch, by the invariant that caught it:\n%s", strings.Join(results, "\n"))
}

// hunt builds the tests with a bug and lets TestSwarm look for it.
func hunt(t *testing.T, i int) string {
	bug := bugs[i]
	dir := t.TempDir()
	source, err := filepath.Abs(filepath.Join("..", bug.file))
	if err != nil {
		t.Error(err)
		return err.Error()
	}
	text, err := os.ReadFile(source)
	if err != nil {
		t.Error(err)
		return err.Error()
	}
	if n := bytes.Count(text, []byte(bug.old)); n != 1 {
		t.Errorf("%s: %q is %d times in %s", bug.name, bug.old, n, bug.file)
		return bug.name
	}
	planted := filepath.Join(dir, "planted.go")
	overlay := filepath.Join(dir, "overlay.json")
	replace, _ := json.Marshal(map[string]any{"Replace": map[string]string{source: planted}})
	for name, data := range map[string][]byte{planted: bytes.Replace(text, []byte(bug.old), []byte(bug.new), 1), overlay: replace} {
		if err := os.WriteFile(name, data, 0o644); err != nil {
			t.Error(err)
			return err.Error()
		}
	}
	binary := filepath.Join(dir, "sim.test")
	if out, err := exec.Command("go", "test", "-c", "-vet=off", "-overlay", overlay, "-o", binary, ".").CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", bug.name, err, out)
		return bug.name
	}
	out, err := exec.Command(binary, "-test.run", "^TestHunt$", "-test.v", "-hunt").CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v\n%s", bug.name, err, out)
		return bug.name
	}
	m := regexp.MustCompile(`caught after (\d+) seeds by (\w+)`).FindSubmatch(out)
	if m == nil {
		t.Errorf("%s: not caught", bug.name)
		return fmt.Sprintf("%6s     %s", "never", bug.name)
	}
	return fmt.Sprintf("%6s %-4s %s", m[1], m[2], bug.name)
}

// TestHunt is what TestPlantedBugs runs, with -hunt: it looks for a violation in
// the first 10 000 seeds, in order, and says where it found one. A panic counts
// as one too. Without -hunt it makes sure that there is none to find.
func TestHunt(t *testing.T) {
	n := uint64(10_000)
	if !*hunting {
		n = 100
	}
	for seed := range n {
		invariant := runGuarded(seed)
		if invariant == "" {
			continue
		}
		if !*hunting {
			t.Fatalf("seed %d: %s", seed, invariant)
		}
		t.Logf("caught after %d seeds by %s", seed+1, invariant)
		return
	}
}

func runGuarded(seed uint64) (invariant string) {
	defer func() {
		if recover() != nil {
			invariant = "panic"
		}
	}()
	if v := Run(Generate(seed), Options{}).Violation; v != nil {
		return v.Invariant
	}
	return ""
}

package sim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// bugs are one-line mistakes, most of them made by somebody before. They are
// planted in copies of their files by the compiler's -overlay, so that the code
// that runs knows nothing of them. The text to replace must be there once, within
// a function: who changes the code changes the table.
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

// plantedVar names the variable that says which bug a program has, from 1.
const plantedVar = "VRRP_PLANTED"

// TestPlantedBugs makes each bug, and wants the swarm to notice it within 10 000
// seeds. It prints how many it took.
func TestPlantedBugs(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the simulation anew: left out by -short")
	}
	if len(bugs) < 20 {
		t.Errorf("only %d bugs", len(bugs))
	}
	binary := buildWithBugs(t)
	results := make([]string, len(bugs))
	var wg sync.WaitGroup
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i := range bugs {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			results[i] = hunt(t, binary, i)
		})
	}
	wg.Wait()
	t.Logf("seeds to the first catch, by the invariant that caught it:\n%s", strings.Join(results, "\n"))
}

// buildWithBugs builds these tests with all the bugs in them, of which a variable
// of the environment chooses one. A program for each would take two minutes.
func buildWithBugs(t *testing.T) (binary string) {
	dir := t.TempDir()
	replace := map[string]string{}
	write := func(path, text string) {
		abs, err := filepath.Abs(path)
		if err != nil {
			t.Fatal(err)
		}
		replace[abs] = filepath.Join(dir, strconv.Itoa(len(replace))+".go")
		if err := os.WriteFile(replace[abs], []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	inFile := map[string][]int{}
	for i := range bugs {
		inFile[bugs[i].file] = append(inFile[bugs[i].file], i)
	}
	for file, planted := range inFile {
		write(filepath.Join("..", file), plantAll(t, file, planted))
	}
	for path, name := range map[string]string{"../planted.go": "vrrp", "planted.go": "sim"} {
		write(path, "package "+name+"\n\nimport (\n\t\"os\"\n\t\"strconv\"\n)\n\nvar planted, _ = strconv.Atoi(os.Getenv(\""+plantedVar+"\"))\n")
	}
	overlay := filepath.Join(dir, "overlay.json")
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err == nil {
		err = os.WriteFile(overlay, text, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	binary = filepath.Join(dir, "sim.test")
	if out, err := exec.Command("go", "test", "-c", "-vet=off", "-overlay", overlay, "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return binary
}

// plantAll returns the text of a file with bugs in it: a function that has one is
// there twice, and its right form begins with the choice.
func plantAll(t *testing.T, file string, planted []int) string {
	source, err := os.ReadFile(filepath.Join("..", file))
	if err != nil {
		t.Fatal(err)
	}
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, file, source, 0)
	if err != nil {
		t.Fatal(err)
	}
	at := func(p token.Pos) int { return set.Position(p).Offset }
	choices := map[int]string{} // by the offset they are put in at
	var wrong strings.Builder
	for _, i := range planted {
		bug := &bugs[i]
		if n := bytes.Count(source, []byte(bug.old)); n != 1 {
			t.Fatalf("%s: %q is %d times in %s", bug.name, bug.old, n, file)
		}
		begin := bytes.Index(source, []byte(bug.old))
		for _, d := range parsed.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || begin < at(f.Pos()) || begin >= at(f.End()) {
				continue
			}
			name := fmt.Sprintf("%sPlanted%d", f.Name.Name, i+1)
			text := strings.Replace(string(source[at(f.Pos()):at(f.End())]), bug.old, bug.new, 1)
			wrong.WriteString("\n" + strings.Replace(text, " "+f.Name.Name+"(", " "+name+"(", 1) + "\n")
			choices[at(f.Body.Lbrace)+1] += fmt.Sprintf("\n\tif planted == %d {\n\t\t%s\n\t}\n", i+1, call(f, name))
		}
	}
	offsets := slices.Sorted(maps.Keys(choices))
	var b strings.Builder
	last := 0
	for _, o := range offsets {
		b.Write(source[last:o])
		b.WriteString(choices[o])
		last = o
	}
	b.Write(source[last:])
	return b.String() + wrong.String()
}

// call is a call of a function's other form, with what it was itself called with.
func call(f *ast.FuncDecl, name string) string {
	var args []string
	for _, field := range f.Type.Params.List {
		for _, n := range field.Names {
			args = append(args, n.Name)
		}
	}
	c := name + "(" + strings.Join(args, ", ") + ")"
	if f.Recv != nil {
		c = f.Recv.List[0].Names[0].Name + "." + c
	}
	if f.Type.Results == nil {
		return c + "\n\t\treturn"
	}
	return "return " + c
}

// hunt lets TestSwarm's seeds look for a bug.
func hunt(t *testing.T, binary string, i int) string {
	bug := bugs[i]
	cmd := exec.Command(binary, "-test.run", "^TestHunt$", "-test.v", "-hunt")
	cmd.Env = append(os.Environ(), plantedVar+"="+strconv.Itoa(i+1))
	out, err := cmd.CombinedOutput()
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

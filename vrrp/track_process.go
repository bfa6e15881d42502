package vrrp

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"time"
)

// processInterval is how often the processes are counted if the kernel does not
// tell of them.
const processInterval = time.Second

// processWatch counts the processes of all vrrp_track_process.
type processWatch struct {
	verdicts []processVerdict
	// proc is the proc file system.
	proc   string
	log    *slog.Logger
	report func(c *ProcessConfig, up bool)
	// counts are the numbers of processes for each verdict, running the verdicts
	// that each process counts for.
	counts  []int
	running map[int][]int
}

// goOn is the verdict to begin with: after a reload the one that was there.
func (w *processWatch) goOn(c *ProcessConfig) processVerdict {
	if w != nil {
		for _, v := range w.verdicts {
			if v.config.Name == c.Name {
				v.config = c
				return v
			}
		}
	}
	return processVerdict{config: c}
}

// count counts the processes, and reports the verdicts that changed.
func (w *processWatch) count(now time.Time) {
	w.counts = slices.Grow(w.counts[:0], len(w.verdicts))[:len(w.verdicts)]
	clear(w.counts)
	w.running = map[int][]int{}
	listProcesses(w.proc, func(pid int, name string, argv func() []string) {
		if matching := w.matching(name, argv); len(matching) > 0 {
			w.running[pid] = matching
			for _, i := range matching {
				w.counts[i]++
			}
		}
	})
	w.judge(now)
}

// matching are the verdicts that a process counts for.
func (w *processWatch) matching(name string, argv func() []string) (matching []int) {
	var words []string
	for i := range w.verdicts {
		c := w.verdicts[i].config
		if words == nil && c.needsArgv() {
			words = argv()
		}
		if c.matches(name, words) {
			matching = append(matching, i)
		}
	}
	return matching
}

// judge reports the verdicts that changed.
func (w *processWatch) judge(now time.Time) {
	for i := range w.verdicts {
		if v := &w.verdicts[i]; v.count(now, w.counts[i]) {
			w.report(v.config, v.up)
		}
	}
}

// wake is when to look again: in a second, or when a delay is over before.
func (w *processWatch) wake(now time.Time) time.Duration {
	if due := w.due(); !due.IsZero() {
		return min(processInterval, max(due.Sub(now), 0))
	}
	return processInterval
}

// loop watches until the context ends: by the kernel's events if it tells of them.
func (w *processWatch) loop(ctx context.Context) {
	events, err := openProcessEvents()
	if err == nil {
		if err = w.follow(ctx, events); err == nil {
			return
		}
		events.close()
	}
	w.log.Info(fmt.Sprintf("Processes are counted once a second: %v", err))
	w.poll(ctx)
}

// poll counts until the context ends.
func (w *processWatch) poll(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(w.wake(time.Now())):
			w.count(time.Now())
		}
	}
}

// maxCommandLine is as much of a command line as is compared.
const maxCommandLine = 64 << 10

// listProcesses lists the processes of this machine, kernel threads included,
// from a proc file system. A process that ends meanwhile is left out.
func listProcesses(proc string, found func(pid int, name string, argv func() []string)) {
	dir, err := os.Open(proc)
	if err != nil {
		return
	}
	defer dir.Close()
	for {
		names, err := dir.Readdirnames(512)
		for _, text := range names {
			pid, err := strconv.ParseUint(text, 10, 31)
			if err != nil {
				continue
			}
			if name, argv, ok := lookAtProcess(proc, int(pid)); ok {
				found(int(pid), name, argv)
			}
		}
		if err != nil {
			return
		}
	}
}

// look is a process by its number.
func (w *processWatch) look(pid int) (name string, argv func() []string, ok bool) {
	return lookAtProcess(w.proc, pid)
}

// lookAtProcess returns the name of a process and what reads its command line.
func lookAtProcess(proc string, pid int) (name string, argv func() []string, ok bool) {
	base := proc + "/" + strconv.Itoa(pid)
	comm, err := os.ReadFile(base + "/comm")
	if err != nil {
		return "", nil, false
	}
	return string(bytes.TrimSuffix(comm, []byte("\n"))), func() []string { return commandLine(base + "/cmdline") }, true
}

// commandLine reads the words of a process, none for one of the kernel's.
func commandLine(path string) []string {
	file, err := os.Open(path)
	if err != nil {
		return []string{}
	}
	defer file.Close()
	buf := make([]byte, 4096)
	n := 0
	for n < maxCommandLine {
		if n == len(buf) {
			buf = append(buf, make([]byte, len(buf))...)
		}
		k, err := file.Read(buf[n:])
		n += k
		if err != nil || k == 0 {
			break
		}
	}
	words := []string{}
	for word := range bytes.SplitSeq(bytes.TrimSuffix(buf[:n], []byte{0}), []byte{0}) {
		words = append(words, string(word))
	}
	return words
}

package vrrp

import (
	"bytes"
	"context"
	"os"
	"slices"
	"strconv"
	"time"
)

// processInterval is how often the processes are counted.
const processInterval = time.Second

// processWatch counts the processes of all vrrp_track_process.
type processWatch struct {
	verdicts []processVerdict
	// list calls the function for each process, with what reads its command line.
	list   func(func(name string, argv func() []string))
	report func(c *ProcessConfig, up bool)
	counts []int
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
	w.list(func(name string, argv func() []string) {
		var words []string
		for i := range w.verdicts {
			c := w.verdicts[i].config
			if words == nil && c.needsArgv() {
				words = argv()
			}
			if c.matches(name, words) {
				w.counts[i]++
			}
		}
	})
	for i := range w.verdicts {
		if v := &w.verdicts[i]; v.count(now, w.counts[i]) {
			w.report(v.config, v.up)
		}
	}
}

// wake is when to look again: in a second, or when a delay is over before.
func (w *processWatch) wake(now time.Time) time.Duration {
	wait := processInterval
	for i := range w.verdicts {
		if due := w.verdicts[i].due(); !due.IsZero() {
			wait = min(wait, max(due.Sub(now), 0))
		}
	}
	return wait
}

// loop counts until the context ends.
func (w *processWatch) loop(ctx context.Context) {
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
func listProcesses(proc string) func(func(name string, argv func() []string)) {
	return func(found func(string, func() []string)) {
		dir, err := os.Open(proc)
		if err != nil {
			return
		}
		defer dir.Close()
		for {
			names, err := dir.Readdirnames(512)
			for _, pid := range names {
				if _, err := strconv.ParseUint(pid, 10, 32); err != nil {
					continue
				}
				base := proc + "/" + pid
				comm, err := os.ReadFile(base + "/comm")
				if err != nil {
					continue
				}
				found(string(bytes.TrimSuffix(comm, []byte("\n"))), func() []string { return commandLine(base + "/cmdline") })
			}
			if err != nil {
				return
			}
		}
	}
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

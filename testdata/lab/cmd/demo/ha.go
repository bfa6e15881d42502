package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"ipvsadm/rules/keepalived"
	"ipvsadm/testdata/lab/uml"
	"ipvsadm/vrrp"
)

// The two files of the post "LVS + keepalived", with the braces it forgot; a
// comment marks each.
var (
	//go:embed ha/master.conf
	masterConf string
	//go:embed ha/backup.conf
	backupConf string
)

const haVIP = "192.168.41.249"

const haPicture = `
     client 192.168.41.9, and 10.9.0.0/16: every request comes from another address,
        |   or persistence_timeout would keep all at one server
   -----+---------+----------------+---------------+--------------+----   192.168.41.0/24
                  |                |               |              |
              director1        director2          rs1            rs2
              192.168.41.21    192.168.41.22    192.168.41.31  192.168.41.33
              state MASTER     state BACKUP
              VIP 192.168.41.249
`

// limits are what the configuration says that a failure may cost.
type limits struct {
	delayLoop  time.Duration // between two checks of a real server
	serverOut  time.Duration // until a real server that refuses is taken out
	masterDown time.Duration // until the backup believes that the master is gone
}

// readLimits takes the limits from the files that the directors run.
func readLimits(dir string) (limits, error) {
	load := func(name string) (*keepalived.Config, error) {
		c, messages := keepalived.Load(context.Background(), filepath.Join(dir, name), keepalived.Options{})
		if c == nil {
			return nil, fmt.Errorf("%s: %v", name, messages)
		}
		return c, nil
	}
	master, err := load("master.conf")
	if err != nil {
		return limits{}, err
	}
	backup, err := load("backup.conf")
	if err != nil {
		return limits{}, err
	}
	check := master.Check.Servers[0].Reals[0].Checkers[0]
	last := backup.VRRP.Instances[0]
	return limits{
		delayLoop:  check.Interval,
		serverOut:  check.Interval + time.Duration(check.Retries)*check.RetryDelay,
		masterDown: vrrp.ActiveDownInterval(last.Version, last.Priority, last.AdvertisementInterval, last.DownAdverts),
	}, nil
}

// step is one thing that happens to both labs at the same time.
type haStep struct {
	name string
	do   func(*side) error
	// allowed is how long requests may be lost, and why.
	allowed time.Duration
	why     string
	// wait is how long the step takes, at least until requests are answered again.
	wait time.Duration
	// holder is who must have the VIP at the end, servers who must be in its table.
	holder  string
	servers []string
}

const (
	// calm is how long a step goes on when all is well again.
	calm = 2 * time.Second
	// slack is what the guest, one slow CPU for everything, may add; and as
	// long as it itself stood still.
	slack = 500 * time.Millisecond
	// haPatience is how much longer than it should a step is waited for.
	haPatience = 15 * time.Second
)

func haSteps(l limits) []haStep {
	both := []string{"192.168.41.31:80", "192.168.41.33:80"}
	return []haStep{
		{
			name: "rs1's web server is killed", do: func(s *side) error { return s.stopWeb("rs1") },
			allowed: l.serverOut, why: fmt.Sprintf("delay_loop %v and three retries", l.delayLoop),
			wait: l.serverOut, holder: "director1", servers: both[1:],
		}, {
			name: "rs1's web server is started again", do: func(s *side) error { return s.startWeb("rs1") },
			allowed: 0, why: "nothing is lost by it",
			wait: l.delayLoop, holder: "director1", servers: both,
		}, {
			name: "director1 loses its power", do: func(s *side) error { return s.directors[0].cutPower() },
			allowed: l.masterDown, why: "three advertisements and director2's skew time",
			wait: l.masterDown, holder: "director2", servers: both,
		}, {
			name: "director1 is switched on again", do: func(s *side) error { return s.directors[0].switchOn() },
			allowed: 0, why: "it takes over from a living director2",
			wait: l.masterDown, holder: "director1", servers: both,
		},
	}
}

// ha is the scenario of the posts' last question, run by ours and by keepalived
// at the same time.
type ha struct {
	show   *stage
	limits limits
	sides  []*side
	stalls *uml.Stalls
}

// haInGuest runs the scenario. The exit code is 1 if ours lost more than the
// timers allow.
func haInGuest(scratch string) (int, error) {
	if _, err := exec.LookPath("keepalived"); err != nil {
		return 0, fmt.Errorf("there is nothing to compare with: install Debian package keepalived")
	}
	if err := installTools(scratch); err != nil {
		return 0, err
	}
	h := &ha{show: newStage(os.Stdout)}
	conf := "/run/keepalived.demo"
	if err := writeConfigs(conf); err != nil {
		return 0, err
	}
	var err error
	if h.limits, err = readLimits(conf); err != nil {
		return 0, err
	}
	h.show.printf("\nThe network, once for ours and once for keepalived:\n%s\n", haPicture)
	h.show.configs()
	for _, k := range []kind{ours, reference} {
		s, err := newSide(k, h.show, conf, scratch)
		if err != nil {
			return 0, err
		}
		h.sides = append(h.sides, s)
	}
	return h.run()
}

func writeConfigs(dir string) error {
	return errors.Join(os.MkdirAll(dir, 0o755),
		os.WriteFile(filepath.Join(dir, "master.conf"), []byte(masterConf), 0o600),
		os.WriteFile(filepath.Join(dir, "backup.conf"), []byte(backupConf), 0o600))
}

func (h *ha) run() (int, error) {
	steps := haSteps(h.limits)
	begin := haStep{name: "both directors are switched on", wait: h.limits.masterDown,
		holder: "director1", servers: []string{"192.168.41.31:80", "192.168.41.33:80"}}
	if err := h.start(begin); err != nil {
		return 0, err
	}
	h.stalls = watchStalls()
	for _, s := range h.sides {
		s.requests.run()
	}
	time.Sleep(calm)
	var done []outcome
	for _, step := range steps {
		o, err := h.step(step)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", step.name, err)
		}
		done = append(done, o)
	}
	for _, s := range h.sides {
		s.requests.end()
	}
	h.show.end()
	h.show.timeline(h.sides)
	code := h.show.summary(done, h.sides)
	return code, errors.Join(h.sides[0].close(), h.sides[1].close())
}

// start switches everything on, and waits until requests can be sent.
func (h *ha) start(begin haStep) error {
	h.show.heading(begin.name)
	if err := h.each(func(s *side) error { return s.start() }); err != nil {
		return err
	}
	if err := h.each(func(s *side) error { return s.await(begin, begin.wait+haPatience) }); err != nil {
		return err
	}
	h.show.tables(h.sides)
	return nil
}

// each does the same on both sides at the same time.
func (h *ha) each(do func(*side) error) error {
	errs := make([]error, len(h.sides))
	var all sync.WaitGroup
	for i, s := range h.sides {
		all.Go(func() {
			if err := do(s); err != nil {
				errs[i] = fmt.Errorf("%s: %w", s.kind.name, err)
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// outcome is what a step cost each side.
type outcome struct {
	step  haStep
	stall time.Duration // the longest time that the guest itself stood still
	loss  []loss        // as ha.sides
	late  []error       // what a side had not done at the end
}

// step does one step and waits until it is over on both sides.
func (h *ha) step(step haStep) (outcome, error) {
	h.show.heading(step.name)
	from := time.Now()
	if err := h.each(step.do); err != nil {
		return outcome{}, err
	}
	o := outcome{step: step, late: make([]error, len(h.sides))}
	var all sync.WaitGroup
	for i, s := range h.sides {
		all.Go(func() { o.late[i] = s.await(step, step.wait+haPatience) })
	}
	all.Wait()
	time.Sleep(max(calm, time.Until(from.Add(step.wait+calm))))
	o.stall = h.stalls.Longest(from)
	for _, s := range h.sides {
		o.loss = append(o.loss, s.requests.lossSince(from, h.stalls))
	}
	h.show.tables(h.sides)
	return o, nil
}

// allowed is how long requests may be lost in a step.
func (o *outcome) allowed() time.Duration { return o.step.allowed + slack + o.stall }

// within says whether a side lost no more than it may, of enough requests.
func (o *outcome) within(i int) bool {
	l := o.loss[i]
	return o.late[i] == nil && l.length <= o.allowed() && 2*l.unclear <= l.sent
}

// addedLines are the lines of a configuration that are not in the post.
func addedLines(conf string) (lines []int) {
	n := 0
	for line := range strings.Lines(conf) {
		n++
		if strings.Contains(line, "#not in the post") {
			lines = append(lines, n)
		}
	}
	return lines
}

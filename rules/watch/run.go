package watch

import (
	"bufio"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"ipvsadm/ipvs"
)

// Kernel is what the view needs of an IPVS. Calls may come from another
// goroutine, one at a time.
type Kernel interface {
	Table(ipvs.Query) ([]ipvs.Entry, error)
}

// Config says what to show, and how.
type Config struct {
	Kernel  Kernel
	Service ipvs.ServiceKey // only this one; the zero key for all
	// Arrange brings a table into the order to show it and looks up names.
	Arrange  func([]ipvs.Entry)
	Labels   Labels
	Explain  func(error) string // says in good words why the kernel refused
	Interval time.Duration
	Count    int  // end after so many samples; 0 for no end
	Exact    bool // numbers in full
	ASCII    bool // no other characters
}

func (c *Config) model() *Model {
	m := NewModel(c.Labels, c.Interval)
	m.Exact = c.Exact
	return m
}

// read takes a sample. Counters are read of the servers of some services, of all
// if counted is nil.
func (c *Config) read(counted map[ipvs.ServiceKey]bool) Sample {
	q := ipvs.Query{Service: c.Service, Detail: ipvs.Full}
	if c.Service != (ipvs.ServiceKey{}) {
		counted = nil
	} else if counted != nil {
		q.Detail = ipvs.Basic
	}
	table, err := c.Kernel.Table(q)
	s := Sample{At: time.Now(), Table: table, Counted: counted}
	for i := range table {
		e := &table[i]
		if err != nil || counted == nil || !counted[e.ServiceKey] {
			continue
		}
		one, gone := c.Kernel.Table(ipvs.Query{Service: e.ServiceKey, Detail: ipvs.Full})
		if gone != nil || len(one) != 1 { // it will be seen in the next sample
			delete(counted, e.ServiceKey)
			continue
		}
		*e = one[0]
	}
	if err != nil {
		s.Trouble = c.Explain(err)
		return s
	}
	c.Arrange(s.Table)
	return s
}

// Plain writes the whole table again and again, an empty line between two. It
// ends after Count samples, or when w takes no more, and returns whether the
// last sample could be read. Those that could not are reported at once.
func Plain(c Config, w io.Writer, report func(string)) bool {
	m, out := c.model(), bufio.NewWriter(w)
	for i := 0; ; i++ {
		next := time.Now().Add(c.Interval)
		s := c.read(nil)
		if m.Update(s); s.Trouble != "" {
			report(s.Trouble)
		} else {
			if i > 0 {
				out.WriteByte('\n')
			}
			for _, line := range m.Text() {
				out.WriteString(line + "\n")
			}
		}
		if out.Flush() != nil || i+1 == c.Count {
			return s.Trouble == ""
		}
		time.Sleep(time.Until(next))
	}
}

// Live shows the view on a screen until the user quits, a signal comes or Count
// samples were shown. The screen is closed then. A signal that ends programs
// ends this one, as it would without the view.
func Live(c Config, s *Screen) {
	l := live{config: c, model: c.model(), screen: s, samples: make(chan Sample, 1)}
	sig := l.run()
	s.Close()
	if sig != nil {
		signal.Reset(sig)
		syscall.Kill(syscall.Getpid(), sig.(syscall.Signal))
		time.Sleep(time.Second) // another thread may be the one that gets it
	}
}

// live is a view that runs.
type live struct {
	config  Config
	model   *Model
	screen  *Screen
	samples chan Sample
	reading bool
	shown   int // samples
}

// run returns the signal that ended it, nil if it was something else.
func (l *live) run() os.Signal {
	l.read()
	ticks := time.NewTicker(l.config.Interval)
	defer ticks.Stop()
	for !l.draw() {
		select {
		case s := <-l.samples:
			l.reading = false
			l.model.Update(s)
			l.shown++
		case <-ticks.C:
			if !l.reading && !l.model.Frozen() {
				l.read()
			}
		case k := <-l.screen.keys:
			l.press(k)
		case sig := <-l.screen.signals:
			if !l.screen.signalled(sig) {
				return sig
			}
		}
	}
	return nil
}

// read reads the next sample in the background, so that keys never wait for the
// kernel.
func (l *live) read() {
	l.reading = true
	counted := l.model.Shown()
	go func() { l.samples <- l.config.read(counted) }()
}

// press carries out a key and those that wait behind it.
func (l *live) press(k Key) {
	for {
		switch k {
		case Suspend:
			if l.screen.Suspend() != nil {
				l.model.Press(Interrupt)
			}
		case Redraw:
			l.screen.Redraw()
		default:
			l.model.Press(k)
		}
		select {
		case k = <-l.screen.keys:
		default:
			return
		}
	}
}

// draw shows the view and says whether that was the last time.
func (l *live) draw() (done bool) {
	width, height := l.screen.Size()
	err := l.screen.Draw(l.model.View(width, height, l.config.ASCII))
	return err != nil || l.model.Done() || l.config.Count > 0 && l.shown >= l.config.Count
}

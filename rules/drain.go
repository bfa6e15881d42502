package rules

import (
	"errors"
	"os"
	"slices"
	"strconv"
	"syscall"
	"time"

	"ipvsadm/ipvs"
)

// exitLeft is the exit code of a drain whose time was over before the last
// connection.
const exitLeft = 1

// drainInterval is how often a drain looks at the connections.
const drainInterval = time.Second

// drainer drains one real server.
type drainer struct {
	*session
	Drain
	name   string
	weight uint32 // the old one
	began  time.Time
	seen   []sample // of the last seconds, the oldest first
}

// sample is a number of connections at a time.
type sample struct {
	at   time.Time
	left uint64
}

// drain is -d and -e with --drain. The server gets weight 0, and so no new
// connections but those of clients that persistence binds to it. When it has
// none left, or time is over, it is deleted, or with -e stays as it is.
//
// Who interrupts it gets the old weight back. Who kills it does not.
func (s *session) drain(cmd Drain) int {
	d := &drainer{session: s, Drain: cmd, began: time.Now(),
		name: string(addressText{}.append(nil, cmd.Addr, cmd.Service.Protocol))}
	server, err := d.look()
	if err != nil {
		return d.refused(err)
	}
	var signals <-chan os.Signal
	if s.env.Interrupts != nil {
		var stop func()
		signals, stop = s.env.Interrupts()
		defer stop()
	}
	if d.weight = server.Weight; d.weight != 0 {
		if err := d.setWeight(&server.Destination, 0); err != nil {
			return d.refused(err)
		}
	}
	left, ended, code := d.wait(signals)
	if ended {
		return code
	}
	return d.finish(left)
}

// wait waits until the server has no connections, and returns how many are left
// when time is over; or it ends the drain with an exit code.
func (d *drainer) wait(signals <-chan os.Signal) (left uint64, ended bool, code int) {
	ticker := time.NewTicker(drainInterval)
	defer ticker.Stop()
	for {
		server, err := d.look()
		switch {
		case errors.Is(err, syscall.ESRCH) || errors.Is(err, syscall.ENOENT):
			return 0, true, d.gone(err)
		case err != nil:
			d.putBack(d.sentence(err))
			return 0, true, exitRejected
		case server.Weight != 0:
			d.endLine()
			d.complain(d.name + ": somebody else gave it weight " + strconv.FormatUint(uint64(server.Weight), 10) +
				". It is not drained, and stays")
			return 0, true, exitRejected
		}
		left = d.connections(server)
		now := time.Now()
		if left == 0 || d.Timeout > 0 && now.Sub(d.began) >= d.Timeout {
			return left, false, exitOK
		}
		d.progress(now, server, left)
		select {
		case sig := <-signals:
			return left, true, d.interrupted(sig)
		case <-ticker.C:
		}
	}
}

// look reads the server's state.
func (d *drainer) look() (*ipvs.DestinationState, error) {
	table, err := d.kernel.Table(ipvs.Query{Service: d.Service, Detail: ipvs.Full})
	if err != nil {
		return nil, err
	}
	for i := range table {
		for j := range table[i].Destinations {
			if server := &table[i].Destinations[j]; server.Addr == d.Addr {
				return server, nil
			}
		}
	}
	return nil, &ipvs.OpError{Request: ipvs.ReqGetDest, Err: syscall.ENOENT}
}

func (d *drainer) connections(s *ipvs.DestinationState) uint64 {
	n := uint64(s.Active)
	if d.Inactive {
		n += uint64(s.Inactive) + uint64(s.Persistent)
	}
	return n
}

// setWeight changes the weight and nothing else.
func (d *drainer) setWeight(server *ipvs.Destination, weight uint32) error {
	set := *server
	set.Weight = weight
	return errors.Join(d.kernel.Do(ipvs.EditDestination{Service: d.Service, Destination: set})...)
}

// finish deletes the server, if that is asked for.
func (d *drainer) finish(left uint64) int {
	if d.Delete {
		err := errors.Join(d.kernel.Do(ipvs.DeleteDestination{Service: d.Service, Addr: d.Addr})...)
		if err != nil && !errors.Is(err, syscall.ENOENT) && !errors.Is(err, syscall.ESRCH) {
			return d.refused(err)
		}
	}
	done := "keeps weight 0"
	if d.Delete {
		done = "deleted"
	}
	after := d.elapsed(time.Now()).String()
	d.endLine()
	if left > 0 {
		d.out.WriteString(d.name + ": time is over after " + after + ", " + counted(int(left), "connection") + " left; " + done + "\n")
		return exitLeft
	}
	d.out.WriteString(d.name + ": drained after " + after + "; " + done + "\n")
	return exitOK
}

// gone is the end of a drain whose server somebody else deleted.
func (d *drainer) gone(err error) int {
	d.endLine()
	if !d.Delete {
		return d.refused(err)
	}
	d.out.WriteString(d.name + ": somebody else deleted it\n")
	return exitOK
}

// interrupted is the end of a drain by a signal.
func (d *drainer) interrupted(sig os.Signal) int {
	d.putBack("interrupted")
	if n, ok := sig.(syscall.Signal); ok {
		return 128 + int(n) // as a shell says it
	}
	return exitRejected
}

// putBack gives the server its old weight and says why.
func (d *drainer) putBack(why string) {
	d.endLine()
	old := strconv.FormatUint(uint64(d.weight), 10)
	server, err := d.look()
	switch {
	case err == nil && (d.weight == 0 || server.Weight != 0):
		d.complain(d.name + ": " + why + "; its weight stays " + strconv.FormatUint(uint64(server.Weight), 10))
		return
	case err == nil:
		err = d.setWeight(&server.Destination, d.weight)
	}
	if err != nil {
		d.complain(d.name + ": " + why + "; it could not get its weight " + old + " back: " + d.sentence(err))
		return
	}
	d.complain(d.name + ": " + why + "; it has its weight " + old + " back")
}

// refused reports why the server cannot be drained, as -d and -e do.
func (d *drainer) refused(err error) int {
	d.endLine()
	d.complain(d.sentence(err))
	return exitRejected
}

// sentence words an error of whatever request as one of -d or -e, which is what
// was asked for.
func (d *drainer) sentence(err error) string {
	var op *ipvs.OpError
	if errors.As(err, &op) {
		err = &ipvs.OpError{Request: ipvs.ReqDelDest, Err: op.Err}
	}
	return kernelSentence(err)
}

// rateSamples is over how many looks the rate is reckoned.
const rateSamples = 10

// progress shows how it goes: on a terminal in one line that is written over and
// over, else in a line each.
func (d *drainer) progress(now time.Time, server *ipvs.DestinationState, left uint64) {
	if d.seen = append(d.seen, sample{now, left}); len(d.seen) > rateSamples {
		d.seen = slices.Delete(d.seen, 0, 1)
	}
	b := append(d.out.AvailableBuffer(), d.name...)
	b = append(strconv.AppendUint(append(b, ": "...), uint64(server.Active), 10), " active"...)
	if d.Inactive {
		b = append(strconv.AppendUint(append(b, ", "...), uint64(server.Inactive), 10), " inactive, "...)
		b = append(strconv.AppendUint(b, uint64(server.Persistent), 10), " persistent"...)
	}
	b = append(b, " left"...)
	if rate := d.rate(); rate > 0 {
		b = append(strconv.AppendFloat(append(b, ", "...), rate, 'f', 1, 64), " gone a second"...)
	}
	if d.Timeout > 0 {
		b = append(append(b, ", "...), (d.Timeout - d.elapsed(now)).String()...)
		b = append(b, " to the time-out"...)
	}
	if d.env.Interactive {
		// A line that is broken into two could not be written over: xterm's mode 7.
		// Nor could one be that a ^C, where the terminal shows it, would break.
		b = append(append([]byte("\r\x1b[?7l"), b...), "\x1b[K\x1b[?7h\r"...)
	} else {
		b = append(b, '\n')
	}
	d.out.Write(b)
	d.out.Flush()
}

// elapsed returns the time since the beginning, in whole seconds.
func (d *drainer) elapsed(now time.Time) time.Duration { return now.Sub(d.began).Round(time.Second) }

// rate returns how many connections went each second, on average of the last
// looks; 0 if that is not known or they become more.
func (d *drainer) rate() float64 {
	first, last := d.seen[0], d.seen[len(d.seen)-1]
	took := last.at.Sub(first.at).Seconds()
	if took <= 0 || first.left <= last.left {
		return 0
	}
	return float64(first.left-last.left) / took
}

// endLine leaves the line of the progress on a terminal.
func (d *drainer) endLine() {
	if d.env.Interactive && len(d.seen) > 0 {
		d.out.WriteString("\r\x1b[K")
	}
}

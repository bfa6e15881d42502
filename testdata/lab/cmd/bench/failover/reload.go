package failover

import (
	"time"

	"golang.org/x/sys/unix"
)

// reloadCount is how often each router reads its configuration again.
const reloadCount = 10

// reloads measures reloads with nothing changed, and the same time without.
func (b *bench) reloads() error {
	s := setup{instances: many, interval: "0.1"}
	return b.inTurns("reload", scaleRounds, func(tool int) error {
		r, err := b.start(tool, 0, s)
		if err != nil {
			return err
		}
		defer r.discard()
		if err := b.holding(r, s); err != nil {
			return err
		}
		time.Sleep(calm)
		quiet := func(during func() error) (longest time.Duration, touched int, err error) {
			b.tap.forget()
			from := time.Now()
			for range reloadCount {
				if err := during(); err != nil {
					return 0, 0, err
				}
				time.Sleep(500 * time.Millisecond)
			}
			touched, _ = b.watch.since(from)
			return b.longest(from), touched, nil
		}
		gap, _, err := quiet(func() error { return nil })
		if err != nil {
			return err
		}
		b.noteTime(noReload, tool, gap-100*time.Millisecond)
		gap, touched, err := quiet(func() error { return r.cmd.Process.Signal(unix.SIGHUP) })
		if err != nil {
			return err
		}
		b.noteTime(reloadLate, tool, gap-100*time.Millisecond)
		b.note(reloadTouched, tool, float64(touched))
		_, _, err = r.stop()
		return err
	})
}

// longest is the longest time between two advertisements of an instance.
func (b *bench) longest(from time.Time) (gap time.Duration) {
	last := map[uint8]time.Time{}
	for _, h := range b.tap.since(from) {
		if before, ok := last[h.vrid]; ok {
			gap = max(gap, h.at.Sub(before))
		}
		last[h.vrid] = h.at
	}
	return gap
}

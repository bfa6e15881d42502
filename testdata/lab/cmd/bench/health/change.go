package health

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"sync"
	"time"
)

// changes has every real server fail and come back, each at its own check, three
// times. It asks the daemon how long each verdict took to the kernel: from outside
// the check before the verdict is in it, and the time that our servers take from
// the guest's only CPU. The daemon reads its whole table once meanwhile.
func (b *bench) changes(tool int) ([]float64, error) {
	const reals, times = 1000, 3
	d, err := b.run(tool, singles(reals), nil, false)
	if err != nil {
		return nil, err
	}
	var values []float64
	err = b.settled(reals)
	for range times {
		for _, good := range []bool{false, true} {
			if err == nil {
				var v []float64
				v, err = b.turn(d, reals, good)
				values = append(values, v...)
			}
		}
	}
	b.servers.set(nil)
	return values, errors.Join(err, b.stop(d))
}

// turn has all real servers answer well or badly, and returns how long the
// daemon's verdicts took to the kernel, in milliseconds.
func (b *bench) turn(d *daemon, reals int, good bool) ([]float64, error) {
	var once sync.Once
	asked, all := make(map[netip.Addr]bool, reals), make(chan struct{})
	b.servers.set(func(real netip.Addr) (bool, chan<- verdict) {
		if asked[real] = true; len(asked) == reals {
			once.Do(func() { close(all) })
		}
		return good, nil
	})
	select {
	case <-all:
	case <-time.After(patience):
		return nil, errors.New("some servers were never checked")
	}
	time.Sleep(time.Second) // for the last verdict
	return b.told(d, good)
}

// told asks the daemon for its status: all real servers have to be up, or down.
func (b *bench) told(d *daemon, up bool) ([]float64, error) {
	out, err := exec.Command(b.program, "check", "status", "--json", "--socket", d.socket).Output()
	if err != nil {
		return nil, fmt.Errorf("check status: %w", err)
	}
	var status struct {
		Servers []struct {
			Reals []struct {
				Name   string
				State  string
				Change *float64 `json:"change_seconds"`
			} `json:"real_servers"`
		} `json:"virtual_servers"`
	}
	if err := json.Unmarshal(out, &status); err != nil {
		return nil, err
	}
	var values []float64
	for _, v := range status.Servers {
		for _, r := range v.Reals {
			if (r.State == "up") != up || r.Change == nil {
				return nil, fmt.Errorf("%s is %s, changed: %v", r.Name, r.State, r.Change != nil)
			}
			values = append(values, *r.Change*1000)
		}
	}
	return values, nil
}

package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"ipvsadm/testdata/lab/uml"
)

const (
	// pace is the time from one request to the next, which does not wait for the
	// answer of the one before.
	pace = 80 * time.Millisecond
	// haTimeout is how long a request is waited for.
	haTimeout = 2 * time.Second
	// muchStall is how much of the time of a lost request must have been lost in
	// stalls of the guest for the loss to be nobody's fault.
	muchStall = haTimeout / 4
	// poll is the time between two looks at who has the VIP.
	poll = 200 * time.Millisecond
)

// request is a request of the client and what became of it.
type haRequest struct {
	sent time.Time
	took time.Duration
	who  string // answered it, "" for nobody
}

// requests sends requests to the VIP without pause, each from an address of its
// own, and remembers them.
type requests struct {
	client *uml.NetNS
	holder func() string // who has the VIP
	stop   chan struct{}
	under  sync.WaitGroup

	mu    sync.Mutex
	all   []haRequest
	held  []holding
	count uint32
}

// holding says who had the VIP at a time.
type holding struct {
	at  time.Time
	who string
}

func newRequests(client *uml.NetNS, holder func() string) *requests {
	return &requests{client: client, holder: holder, stop: make(chan struct{})}
}

// run begins to send. end ends it, and waits for the last answers.
func (r *requests) run() {
	r.every(pace, func() { r.under.Go(r.send) })
	r.every(poll, func() {
		at, who := time.Now(), r.holder()
		r.mu.Lock()
		defer r.mu.Unlock()
		r.held = append(r.held, holding{at, who})
	})
}

func (r *requests) end() {
	close(r.stop)
	r.under.Wait()
}

// every calls f again and again until the end.
func (r *requests) every(period time.Duration, f func()) {
	r.under.Go(func() {
		ticks := time.NewTicker(period)
		defer ticks.Stop()
		for {
			select {
			case <-r.stop:
				return
			case <-ticks.C:
				f()
			}
		}
	})
}

// send sends one request.
func (r *requests) send() {
	r.mu.Lock()
	r.count++
	n := r.count
	r.mu.Unlock()
	from := netip.AddrFrom4([4]byte{10, 9, byte(1 + n>>8), byte(n)})
	sent := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), haTimeout)
	defer cancel()
	who := r.get(ctx, from)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, haRequest{sent, time.Since(sent), who})
}

// get asks the VIP for its page and returns who answered, "" for nobody.
func (r *requests) get(ctx context.Context, from netip.Addr) string {
	dialer := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0))}
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, address string) (c net.Conn, err error) {
			r.client.Do(func() { c, err = dialer.DialContext(ctx, network, address) })
			return c, err
		},
	}}
	ask, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+haVIP+"/", nil)
	if err != nil {
		return ""
	}
	resp, err := client.Do(ask)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 100))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(body))
}

// loss is what a step cost in requests.
type loss struct {
	sent, lost int
	// unclear are those that were lost while the guest stood still (muchStall): not in lost.
	unclear int
	// length is from the first lost request to the last.
	length time.Duration
}

func (l loss) String() string {
	text := fmt.Sprintf("%d of %d", l.lost, l.sent)
	if l.lost > 0 {
		text += fmt.Sprintf(", in %.1f s", l.length.Seconds())
	}
	if l.unclear > 0 {
		text += fmt.Sprintf(", %d unclear", l.unclear)
	}
	return text
}

// lossSince is what was lost of the requests that were under way at a time or
// sent later.
func (r *requests) lossSince(from time.Time, s *uml.Stalls) (l loss) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var first, last time.Time
	for _, q := range r.all {
		if q.sent.Add(q.took).Before(from) {
			continue
		}
		l.sent++
		if q.who != "" {
			continue
		}
		if s.Between(q.sent, q.sent.Add(q.took)) > muchStall {
			l.unclear++
			continue
		}
		l.lost++
		if first.IsZero() || q.sent.Before(first) {
			first = q.sent
		}
		if q.sent.After(last) {
			last = q.sent
		}
	}
	l.length = last.Sub(first)
	return l
}

// second is what happened in one second of a timeline.
type second struct {
	holder         string // at its end
	rs1, rs2, lost int
}

// same says whether two seconds may be one line.
func (a second) same(b second) bool {
	return a.holder == b.holder && (a.rs1 > 0) == (b.rs1 > 0) && (a.rs2 > 0) == (b.rs2 > 0) && (a.lost > 0) == (b.lost > 0)
}

func (a second) plus(b second) second {
	return second{b.holder, a.rs1 + b.rs1, a.rs2 + b.rs2, a.lost + b.lost}
}

// seconds puts all requests into the seconds after start in which they were sent.
func (r *requests) seconds(start time.Time) []second {
	r.mu.Lock()
	defer r.mu.Unlock()
	var s []second
	at := func(t time.Time) *second {
		n := max(0, int(t.Sub(start)/time.Second))
		for len(s) <= n {
			s = append(s, second{})
		}
		return &s[n]
	}
	for _, h := range r.held {
		at(h.at).holder = h.who
	}
	for _, q := range r.all {
		switch b := at(q.sent); q.who {
		case "rs1":
			b.rs1++
		case "rs2":
			b.rs2++
		default:
			b.lost++
		}
	}
	return s
}

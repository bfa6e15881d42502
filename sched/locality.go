package sched

import (
	"net/netip"
	"slices"
	"time"
)

// Sizes and times of lblc and lblcr (ip_vs_lblc.c, ip_vs_lblcr.c).
const (
	localityBits     = 10                   // 1024 buckets
	localityRoom     = 16 << localityBits   // entries before old ones are collected
	localityFull     = localityRoom * 3 / 2 // entries before no more are made
	localityInterval = time.Minute          // between two collections
	localityIdle     = 6 * time.Minute      // unused so long, an entry may be collected
	localityRounds   = 30                   // quiet collections before a search for expired entries
	localityMask     = 1<<localityBits - 1
)

// locality is lblc and, with replicate, lblcr: a cache of which server, or set
// of servers, serves a destination address. Whoever is not cached gets the
// server that wlc would give.
type locality struct {
	replicate bool
	buckets   [1 << localityBits][]*entry
	entries   int
	next      time.Duration // when to collect
	rounds    int           // collections since the last search, from 1
	rover     int           // the bucket where the last collection ended
}

// entry is a cached destination address. lblc keeps one server, lblcr a set
// with the latest in front.
type entry struct {
	addr     netip.Addr
	servers  []*server
	used     time.Duration
	modified time.Duration // when the set last changed
}

// start begins with an empty cache; the collector runs a minute later, counted
// from the moment 0 of Connection.At.
func (l *locality) start(*Service) {
	*l = locality{replicate: l.replicate, rounds: 1, next: localityInterval}
}

// changed does nothing: entries of removed servers are found out when used.
func (l *locality) changed(*Service, change, int) {}

func (l *locality) choose(s *Service, c Connection, why *reasons) *server {
	l.collect(c.At, s.options.Expiry)
	addr := c.Virtual.Addr()
	bucket := hash32(fold(s.options.IPv6, addr), localityBits)
	var found *entry
	for _, e := range l.buckets[bucket] {
		if e.addr == addr {
			found = e
			break
		}
	}
	if found != nil {
		if one := l.cached(s, found, c.At, why); one != nil {
			return one
		}
	}
	one := weightedLeast{(*server).overhead}.choose(s, c, why)
	if one != nil {
		l.remember(found, bucket, addr, one, c.At)
	}
	return one
}

// cached returns the cached server if it is still good.
func (l *locality) cached(s *Service, e *entry, now time.Duration, why *reasons) *server {
	e.used = now
	one := e.servers[0]
	good := one.present && one.Weight > 0 // lblc does not ask whether it is overloaded
	if l.replicate {
		one = e.least()
		good = one != nil
		if len(e.servers) > 1 && now > e.modified+s.options.Expiry {
			e.shrink(now)
		}
	}
	if good && !strained(s, one) {
		why.add(Cached, one, 0, 0)
		return one
	}
	if one != nil {
		why.add(Replaced, one, int64(one.Active), int64(one.Weight))
	}
	return nil
}

// remember caches the server, if there is room.
func (l *locality) remember(e *entry, bucket int, addr netip.Addr, one *server, now time.Duration) {
	if e != nil && l.replicate {
		if !slices.Contains(e.servers, one) {
			e.servers, e.modified = slices.Insert(e.servers, 0, one), now
		}
		return
	}
	if e != nil {
		if e.servers[0] == one {
			return
		}
		l.buckets[bucket] = slices.DeleteFunc(l.buckets[bucket], func(x *entry) bool { return x == e })
		l.entries--
	}
	if l.entries >= localityFull {
		return
	}
	l.buckets[bucket] = append(l.buckets[bucket], &entry{addr, []*server{one}, now, now})
	l.entries++
}

// strained reports whether a server has more active connections than its weight
// while another has less than half of its own.
func strained(s *Service, one *server) bool {
	return one.Active > one.Weight && slices.ContainsFunc(s.servers, func(other *server) bool {
		return other.Active*2 < other.Weight
	})
}

// least returns the least loaded server of a set, nil if none is usable.
func (e *entry) least() *server {
	var least *server
	for _, one := range e.servers {
		if one.present && one.usable() && (least == nil || heavier(least, one, (*server).overhead)) {
			least = one
		}
	}
	return least
}

// shrink takes the most loaded server out of a set.
func (e *entry) shrink(now time.Duration) {
	most := -1
	for i, one := range e.servers {
		if one.Weight > 0 && (most < 0 || heavier(one, e.servers[most], (*server).overhead)) {
			most = i
		}
	}
	if most >= 0 {
		e.servers, e.modified = slices.Delete(e.servers, most, most+1), now
	}
}

// collect runs the collector as often as it was due until now.
func (l *locality) collect(now, expiry time.Duration) {
	for ; l.next <= now; l.next += localityInterval {
		if l.entries == 0 { // nothing to do for as long as that may be
			quiet := (now - l.next) / localityInterval
			l.next += quiet * localityInterval
			l.rounds = (l.rounds-1+int(quiet+1)%localityRounds)%localityRounds + 1
			continue
		}
		switch {
		case l.rounds%localityRounds == 0:
			l.sweep(l.next, expiry, l.entries)
			l.rounds = 1
		case l.entries <= localityRoom:
			l.rounds++
		default:
			l.sweep(l.next, localityIdle, min((l.entries-localityRoom)*4/3, localityRoom/2))
		}
	}
}

// sweep drops entries that have not been used for an age, bucket by bucket,
// until the goal is reached or all buckets are done.
func (l *locality) sweep(now, age time.Duration, goal int) {
	for range l.buckets {
		l.rover = (l.rover + 1) & localityMask
		before := len(l.buckets[l.rover])
		l.buckets[l.rover] = slices.DeleteFunc(l.buckets[l.rover], func(e *entry) bool { return now >= e.used+age })
		gone := before - len(l.buckets[l.rover])
		l.entries -= gone
		if goal -= gone; goal <= 0 {
			return
		}
	}
}

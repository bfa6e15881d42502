package vrrp

import (
	"fmt"
	"slices"
	"time"
)

// holding is one thing that an instance puts up on the host while it is Active.
type holding struct {
	// key is the same for equal things, whoever holds them.
	key string
	Change
}

// holder is somebody with holdings: an instance, or the static configuration.
type holder struct {
	// all is what it puts up when it puts up something, in order: addresses,
	// then the routes that need them, then rules.
	all []holding
	// want is what should be there now, and have what it put there.
	want, have []holding
	// leaving is what others held that are not there any more.
	leaving []holding
	// dirty asks for changes. purge deletes even what it did not put there, and
	// refresh adds again what it did.
	dirty, purge, refresh bool
	// refused are holdings that the host would not add, and why. They are tried
	// again at retry's time: the interface may have been made anew between a look
	// and the change, or what the holding needs may come later.
	refused map[string]string
	retry   backoff
	// restoreAt is when what somebody took away may be put up again.
	restoreAt time.Time
}

// hold makes it want everything or nothing.
func (h *holder) hold(everything bool) {
	h.dirty = true
	if h.want = nil; everything {
		h.want = h.all
	} else {
		h.purge = true
	}
}

// gone and missing are what has to be deleted, the last one first, and added.
func (h *holder) gone() (g []holding) {
	candidates := slices.Concat(h.leaving, h.have)
	if h.purge {
		candidates = slices.Concat(h.all, candidates)
	}
	wanted, seen := keys(h.want), map[string]bool{}
	for _, x := range candidates {
		if !wanted[x.key] && !seen[x.key] {
			seen[x.key] = true
			g = append(g, x)
		}
	}
	slices.Reverse(g)
	return g
}

func (h *holder) missing() []holding {
	if h.refresh {
		return h.want
	}
	there := keys(h.have)
	return slices.DeleteFunc(slices.Clone(h.want), func(x holding) bool { return there[x.key] && h.refused[x.key] == "" })
}

func keys(all []holding) map[string]bool {
	set := make(map[string]bool, len(all))
	for _, x := range all {
		set[x.key] = true
	}
	return set
}

// settled is what came of settleHolders.
type settled struct {
	applied bool // Host.Apply was called
	// errs concern single changes: everything else has been done. What was
	// refused before, for the same reason, is not told again.
	errs []error
	// late are the holders that got at last what had been refused.
	late []*holder
}

// settleHolders brings the host to what all holders want. Things that move from
// one to another stay where they are.
func settleHolders(now time.Time, host Host, holders []*holder) (result settled) {
	dirty := slices.DeleteFunc(slices.Clone(holders), func(h *holder) bool { return !h.dirty })
	if len(dirty) == 0 {
		return result
	}
	wanted := map[string]bool{}
	for _, h := range holders {
		for _, x := range h.want {
			wanted[x.key] = true
		}
	}
	var changes []Change
	var owners []*holder // of changes that add, nil for those that delete
	var added []string
	for _, h := range dirty {
		for _, x := range h.gone() {
			if !wanted[x.key] {
				x.Delete = true
				changes, owners, added = append(changes, x.Change), append(owners, nil), append(added, "")
			}
		}
	}
	for _, h := range dirty {
		for _, x := range h.missing() {
			changes, owners, added = append(changes, x.Change), append(owners, h), append(added, x.key)
		}
	}
	var errs []error
	if len(changes) > 0 {
		errs, result.applied = host.Apply(changes), true
	}
	refused := map[*holder]map[string]string{}
	for i, err := range errs {
		h := owners[i]
		if err == nil {
			continue
		}
		if h == nil || h.refused[added[i]] != err.Error() {
			result.errs = append(result.errs, err)
		}
		if h != nil {
			if refused[h] == nil {
				refused[h] = map[string]string{}
			}
			refused[h][added[i]] = err.Error()
		}
	}
	for _, h := range dirty {
		if h.ended(now, refused[h]) {
			result.late = append(result.late, h)
		}
	}
	return result
}

// ended takes over what the host refused of all that was asked for. It tells
// whether something is there now that had been refused.
func (h *holder) ended(now time.Time, refused map[string]string) (late bool) {
	for _, x := range h.want {
		late = late || h.refused[x.key] != "" && refused[x.key] == ""
	}
	h.have, h.leaving, h.refused = h.want, nil, refused
	h.dirty, h.purge, h.refresh = false, false, false
	if len(refused) == 0 {
		h.retry = backoff{}
	} else {
		h.retry.fail(now)
	}
	return late
}

// backoff is when to try again what failed: soon, then less and less often, and
// once a second in the end.
type backoff struct {
	at   time.Time // zero if nothing failed
	wait time.Duration
}

// firstRetry is the first wait. What an interface that was made anew needs is
// seen about so long after that.
const firstRetry = 20 * time.Millisecond

func (b *backoff) fail(now time.Time) {
	b.wait = min(max(2*b.wait, firstRetry), restoreGap)
	b.at = now.Add(b.wait)
}

// lost tells whether an address, a route or a rule that is held is not there any
// more, and that matters.
func (h *holder) lost(v *View) bool {
	gone := map[string]bool{}
	for i := range v.Lost {
		gone[keyOf(&v.Lost[i])] = true
	}
	return slices.ContainsFunc(h.have, func(x holding) bool {
		switch {
		case h.refused[x.key] != "":
		case x.Address != nil:
			return !x.Address.NoTrack && !v.Has(x.Address.Device, x.Address.Prefix.Addr())
		case x.Route != nil:
			return !x.Route.NoTrack && gone[x.key]
		case x.Rule != nil:
			return !x.Rule.NoTrack && gone[x.key]
		}
		return false
	})
}

// keyOf is the key of an address, a route or a rule.
func keyOf(c *Change) string {
	switch {
	case c.Address != nil:
		return fmt.Sprintf("address %+v", *c.Address)
	case c.Route != nil:
		return fmt.Sprintf("route %+v", *c.Route)
	}
	return fmt.Sprintf("rule %+v", *c.Rule)
}

// holdings makes holdings of a configuration. Addresses without a device are put
// on the given one.
func holdings(device string, addrs []AddressConfig, routes []RouteConfig, rules []RuleConfig) (all []holding) {
	for _, a := range addrs {
		if a.Device == "" {
			a.Device = device
		}
		all = append(all, newHolding(Change{Address: &a}))
	}
	for i := range routes {
		all = append(all, newHolding(Change{Route: &routes[i]}))
	}
	for i := range rules {
		all = append(all, newHolding(Change{Rule: &rules[i]}))
	}
	return all
}

func newHolding(c Change) holding { return holding{keyOf(&c), c} }

// refusals make holdings of a router that does not accept packets to its virtual
// addresses.
func refusals(addrs []AddressConfig) (all []holding) {
	for _, a := range addrs {
		addr := a.Prefix.Addr()
		all = append(all, holding{fmt.Sprintf("refuse %v", addr), Change{Refuse: &addr}})
	}
	return all
}

// settingHolding makes a holding of a sysctl.
func settingHolding(path, value string) holding {
	s := &Setting{path, value}
	return holding{fmt.Sprintf("setting %+v", *s), Change{Setting: s}}
}

package status

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"ipvsadm/check"
)

// The JSON of a status. Times that are not known are null. change_seconds is how
// long the last verdict on a real server that changed the kernel's table took until
// the kernel had answered, slowest_change_seconds the longest of all that did.
type (
	report struct {
		At       time.Time         `json:"at"`
		Servers  []server          `json:"virtual_servers"`
		Running  int               `json:"checks_running"`
		Waiting  int               `json:"checks_waiting"`
		Counters map[string]uint64 `json:"counters"`
		Slowest  float64           `json:"slowest_change_seconds"`
	}
	server struct {
		Name       string    `json:"name"`
		Scheduler  string    `json:"scheduler"`
		Services   int       `json:"services"`
		InKernel   int       `json:"services_in_kernel"`
		HasQuorum  bool      `json:"has_quorum"`
		Since      time.Time `json:"since"`
		Weight     uint64    `json:"weight"`
		Quorum     uint32    `json:"quorum"`
		Hysteresis uint32    `json:"hysteresis"`
		Suspended  bool      `json:"suspended"`
		Sorry      *sorry    `json:"sorry_server,omitempty"`
		Reals      []real    `json:"real_servers"`
	}
	sorry struct {
		Addr         string  `json:"address"`
		InUse        bool    `json:"in_use"`
		KernelWeight *uint32 `json:"kernel_weight"`
	}
	real struct {
		Name         string    `json:"name"`
		Addr         string    `json:"address"`
		State        string    `json:"state"`
		Since        time.Time `json:"since"`
		Change       *float64  `json:"change_seconds"`
		WantedWeight *uint32   `json:"wanted_weight"`
		KernelWeight *uint32   `json:"kernel_weight"`
		Checkers     []checker `json:"checkers"`
	}
	checker struct {
		Kind     string     `json:"kind"`
		State    string     `json:"state"`
		Failures int        `json:"failures"`
		Result   *string    `json:"result"`
		Reason   string     `json:"reason"`
		At       *time.Time `json:"at"`
		Seconds  float64    `json:"seconds"`
	}
)

// WriteJSON writes a status as JSON.
func WriteJSON(w io.Writer, s check.Status) error { return encode(w, reportOf(s)) }

func encode(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

func reportOf(s check.Status) report {
	c := s.Counters
	r := report{At: s.At, Servers: []server{}, Running: s.Running, Waiting: s.Waiting, Counters: map[string]uint64{
		"checks": c.Checks, "passed": c.Passed, "failed": c.Failed, "panics": c.Panics,
		"operations": c.Operations, "refused": c.Refused, "mended": c.Mended,
	}, Slowest: c.Slowest.Seconds()}
	for i := range s.Servers {
		v := &s.Servers[i]
		one := server{
			Name: v.Name, Scheduler: v.Scheduler, Services: v.Services, InKernel: v.InKernel, HasQuorum: v.HasQuorum, Since: v.Since,
			Weight: v.Sum, Quorum: v.Quorum, Hysteresis: v.Hysteresis, Suspended: v.Suspended, Reals: []real{},
		}
		if v.Sorry != nil {
			one.Sorry = &sorry{v.Sorry.Addr.String(), v.Sorry.InUse, v.Sorry.Kernel}
		}
		for j := range v.Reals {
			one.Reals = append(one.Reals, realOf(&v.Reals[j]))
		}
		r.Servers = append(r.Servers, one)
	}
	return r
}

func realOf(r *check.RealReport) real {
	one := real{
		Name: r.Name, Addr: r.Addr.String(), State: state(r.Up), Since: r.Since,
		WantedWeight: r.Wanted, KernelWeight: r.Kernel, Checkers: []checker{},
	}
	if r.Change > 0 {
		took := r.Change.Seconds()
		one.Change = &took
	}
	for i := range r.Checkers {
		c := &r.Checkers[i]
		k := checker{Kind: c.Kind, State: state(c.Up), Failures: c.Failures, Reason: c.Last.Reason, Seconds: c.Took.Seconds()}
		if !c.At.IsZero() {
			verdict := c.Last.Verdict.String()
			k.Result, k.At = &verdict, &c.At
		}
		one.Checkers = append(one.Checkers, k)
	}
	return one
}

func state(up bool) string {
	if up {
		return "up"
	}
	return "down"
}

// WriteText writes a status for people: a paragraph for each virtual server.
func WriteText(w io.Writer, s check.Status) error {
	var b strings.Builder
	r := reportOf(s)
	for i := range r.Servers {
		v := &r.Servers[i]
		fmt.Fprintf(&b, "virtual server %s: ", v.Name)
		switch {
		case v.HasQuorum:
			fmt.Fprintf(&b, "quorum for %s", age(r.At, v.Since))
		default:
			fmt.Fprintf(&b, "no quorum for %s", age(r.At, v.Since))
		}
		fmt.Fprintf(&b, ", weight %d of %d", v.Weight, v.Quorum)
		if v.Hysteresis > 0 {
			fmt.Fprintf(&b, "±%d", v.Hysteresis)
		}
		if v.Suspended {
			b.WriteString(", not checked: its address is not on this machine")
		}
		if v.InKernel != v.Services {
			fmt.Fprintf(&b, ", %d of %d services in the kernel", v.InKernel, v.Services)
		}
		b.WriteString("\n")
		for j := range v.Reals {
			writeReal(&b, r.At, &v.Reals[j])
		}
		if v.Sorry != nil {
			fmt.Fprintf(&b, "  sorry server %s: %s, %s\n", v.Sorry.Addr,
				map[bool]string{true: "in use", false: "not in use"}[v.Sorry.InUse], inKernel(v.Sorry.KernelWeight))
		}
	}
	c := r.Counters
	fmt.Fprintf(&b, "checks %d, failed %d; changes of the kernel's table %d, refused %d, slowest %.4fs; mended after others %d\n",
		c["checks"], c["failed"], c["operations"], c["refused"], r.Slowest, c["mended"])
	_, err := io.WriteString(w, b.String())
	return err
}

func writeReal(b *strings.Builder, at time.Time, v *real) {
	fmt.Fprintf(b, "  %s: %s for %s, %s", v.Name, v.State, age(at, v.Since), inKernel(v.KernelWeight))
	if !same(v.WantedWeight, v.KernelWeight) {
		if v.WantedWeight == nil {
			b.WriteString(", should not be")
		} else {
			fmt.Fprintf(b, ", should be %d", *v.WantedWeight)
		}
	}
	b.WriteString("\n")
	for _, c := range v.Checkers {
		fmt.Fprintf(b, "    %s: %s", c.Kind, c.State)
		switch {
		case c.At == nil:
			b.WriteString(", not checked yet")
		default:
			fmt.Fprintf(b, ", %s %s ago in %.3fs", *c.Result, age(at, *c.At), c.Seconds)
		}
		if c.Reason != "" {
			b.WriteString(": " + oneLine(c.Reason))
		}
		b.WriteString("\n")
	}
}

func same(a, b *uint32) bool { return a == b || a != nil && b != nil && *a == *b }

func inKernel(weight *uint32) string {
	if weight == nil {
		return "not in the kernel"
	}
	return fmt.Sprintf("weight %d in the kernel", *weight)
}

// age is how long ago something was, in seconds once it is longer than one.
func age(now, then time.Time) time.Duration {
	d := now.Sub(then)
	if d >= time.Second {
		return d.Round(time.Second)
	}
	return d.Round(time.Millisecond)
}

// oneLine makes one line of what a server may have said.
func oneLine(s string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return '?'
		}
		return c
	}, s)
}

// once is the JSON of a check that was done once.
type once struct {
	Server  string  `json:"virtual_server"`
	Real    string  `json:"real_server"`
	Kind    string  `json:"checker"`
	Result  string  `json:"result"`
	Reason  string  `json:"reason"`
	Seconds float64 `json:"seconds"`
}

// WriteOnceJSON writes the results of checks that were done once.
func WriteOnceJSON(w io.Writer, results []check.OnceResult) error {
	list := []once{}
	for _, r := range results {
		list = append(list, once{r.Server, r.Real, r.Kind, r.Result.Verdict.String(), r.Result.Reason, r.Took.Seconds()})
	}
	return encode(w, list)
}

// WriteOnce writes them as a table.
func WriteOnce(w io.Writer, results []check.OnceResult) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "VIRTUAL SERVER\tREAL SERVER\tCHECKER\tRESULT\tTIME\tREASON")
	for _, r := range results {
		fmt.Fprintf(t, "%s\t%s\t%s\t%v\t%.3fs\t%s\n", r.Server, r.Real, r.Kind, r.Result.Verdict, r.Took.Seconds(), oneLine(r.Result.Reason))
	}
	return t.Flush()
}
